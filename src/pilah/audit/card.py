"""The model card: what is measured of models and what is said about their use, as one document."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from jinja2 import UndefinedError

from pilah.audit.audit import audited_model
from pilah.audit.markdown import Json, render
from pilah.audit.write import FORMAT
from pilah.errors import DataError
from pilah.files import write_text
from pilah.models.bundle import BundleInfo, open_bundle
from pilah.rate import wilson


@dataclass(frozen=True, slots=True)
class Carded:
    """A model of the card: its description, the size of its file, and its audits.

    `answered` and `right` are rates (see `_validation`) of its validation faces.
    """

    info: BundleInfo
    megabytes: float
    answered: Json | None
    right: Json | None
    audits: tuple[Json, ...]


def write_card(
    models: list[Path], audits: list[Path], to: Path, *, failures: Path | None = None
) -> None:
    """Write the card of models from their files and from audits of them.

    Args:
        models: model files, in the order of the card.
        audits: `audit.json` files, each of one of these models.
        to: the Markdown file to write; it is replaced.
        failures: a Markdown file with what is known of failures.

    Raises:
        BundleError: a model cannot be used.
        DataError: an audit cannot be read or is of another model, or `to` cannot be written.
    """
    opened = {path: open_bundle(path).info for path in models}
    by_model: dict[str, list[Json]] = {
        audited_model(path, info).sha256: [] for path, info in opened.items()
    }
    for path in audits:
        audit = _read_audit(path)
        model = audit["model"]
        if model["sha256"] not in by_model:
            raise DataError(
                f"{path} is of another file of {model['name']} {model['version']} than this card "
                "is about; run `pilah audit` again, or name the model with --model"
            )
        by_model[model["sha256"]].append(audit)
    text = render(
        "card.md.jinja",
        models=[
            Carded(info, path.stat().st_size / 1e6, *_validation(info), tuple(_photos_first(found)))
            for (path, info), found in zip(opened.items(), by_model.values(), strict=True)
        ],
        failures=_read_text(failures).strip() if failures else "",
    )
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        write_text(to, text)
    except OSError as error:
        raise DataError(
            f"the card cannot be written to {to} ({error.strerror}); give --to a file that can be "
            "written"
        ) from None


def _validation(info: BundleInfo) -> tuple[Json | None, Json | None]:
    """The share of validation faces answered, and the share of right ones among the answers."""
    counts = info.validation
    faces = sum(label.female + label.male + label.unsure for label in counts.values())
    answered = sum(label.female + label.male for label in counts.values())
    right = sum(getattr(answers, label) for label, answers in counts.items())
    return (
        asdict(wilson(answered, faces)) if faces else None,
        asdict(wilson(right, answered)) if answered else None,
    )


def _photos_first(audits: list[Json]) -> list[Json]:
    """Audits from photos, as users bring them, stand before those of ready crops."""
    return sorted(audits, key=lambda audit: audit["detector"] is None)


def _read_audit(path: Path) -> Json:
    try:
        audit = json.loads(_read_text(path))
        known = audit["format"] == FORMAT
        if known:  # and whole, so that its own page could be written again
            render("audit.md.jinja", audit=audit)
    except (ValueError, TypeError, KeyError, AttributeError, UndefinedError):
        known = False
    if not known:
        raise DataError(f"{path} is not an audit.json of this pilah; run `pilah audit` again")
    found: Json = audit
    return found


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); name a file that can") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8 text; save it as UTF-8") from None
