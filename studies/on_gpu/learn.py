"""Teach on a GPU: first the teacher from labels, then all the students at once from the teacher.

    python learn.py carried --to brought

Needs PyTorch, NumPy and Pillow, network.py and vary.py beside it, and what carry.py packed. Each
network follows its recipe; all students see the same pictures, so their recipes must agree on those
(SHARED). With `other_labels` a network learns what else is known of a face too, so that it does not
memorise faces. A student's target is `teacher_weight` of the teacher's answer to the same picture
and the rest of the label (Beyer et al. 2022, "Knowledge distillation: A good teacher is patient and
consistent").
"""

import argparse
import csv
import io
import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from network import Network
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from vary import fit, vary

SHARED = (
    *("epochs", "batch_size", "teacher_weight", "augment", "zoom", "seed"),
    *("roll_degrees", "light_strength", "quality_share", "erase_share"),
)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PIECE = 14_000_000  # bytes of a file that is written


def main() -> None:
    """Write NAME_K.npz, the weights, and NAME.csv, the history, of teacher and students."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("carried", type=Path, help="the folder that carry.py made")
    parser.add_argument("--to", type=Path, required=True, help="the folder to write to")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    faces = Faces(options.carried)
    names = sorted(path.stem for path in options.carried.glob("*.npz") if path.stem != "faces")
    teacher = Learner("teacher", options.carried, faces)
    teach([teacher], faces, None, options.to)
    students = [Learner(n, options.carried, faces) for n in names if n != "teacher"]
    teach(students, faces, teacher, options.to)


class Faces:
    """All faces, uint8 on the device, and what is known of each."""

    def __init__(self, folder: Path) -> None:
        """Decode what carry.py packed."""
        file = np.load(folder / "faces.npz")
        packed = (folder / "faces.bin").read_bytes()
        ends = np.cumsum(file["size"])

        def decode(i: int) -> np.ndarray[Any, Any]:
            one = packed[ends[i] - file["size"][i] : ends[i]]
            return np.asarray(Image.open(io.BytesIO(one)).convert("RGB"))

        with ThreadPoolExecutor() as pool:
            pixels = np.stack(list(pool.map(decode, range(len(ends)))))
        self.pixels = torch.from_numpy(pixels).to(DEVICE).permute(0, 3, 1, 2).contiguous()
        self.known = {k: torch.from_numpy(file[k]).to(DEVICE) for k in file.files if k != "size"}
        self.train = torch.nonzero(~self.known["validation"]).flatten()
        self.held_out = torch.nonzero(self.known["validation"]).flatten()
        self.weight = self.known["weight"] / self.known["weight"][self.train].mean()
        self.kinds = [int(self.known[k].max()) + 1 for k in ("race", "age")]

    def rest_loss(self, said: Tensor, rows: Tensor) -> Tensor:
        """Of race, age and the other attributes, each where it is known."""
        races, ages = self.kinds
        loss = said.new_zeros(())
        for start, end, key, share in (
            (0, races, "race", 1.0),
            (races, races + ages, "age", 0.5),
        ):
            if end > start:
                wrong = functional.cross_entropy(
                    said[:, start:end], self.known[key][rows], ignore_index=-1, reduction="sum"
                )
                loss = loss + share * wrong / len(rows)
        attributes = self.known["attributes"][rows]
        wrong = functional.binary_cross_entropy_with_logits(
            said[:, races + ages :], attributes.clamp(min=0).float(), reduction="none"
        )
        return loss + 3 * (wrong * (attributes >= 0)).mean()


class Learner:
    """A network, its recipe, and its optimiser."""

    def __init__(self, name: str, folder: Path, faces: Faces) -> None:
        """Begin from NAME.npz."""
        self.name = name
        self.network = Network(folder / f"{name}.npz")
        self.network = self.network.to(DEVICE, memory_format=torch.channels_last)
        self.settings = self.network.settings
        outputs = sum(faces.kinds) + faces.known["attributes"].shape[1]
        torch.manual_seed(self.settings["seed"])
        self.rest = nn.Linear(self.network.width, outputs).to(DEVICE)
        learned = [*self.network.parameters(), *self.rest.parameters()]
        learned = [p for p in learned if p.requires_grad]
        decay = self.settings["weight_decay"]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in learned if p.ndim > 1], "weight_decay": decay},
                {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0},
            ],
            fused=DEVICE == "cuda",
        )
        self.steps = self.settings["epochs"] * (len(faces.train) // self.settings["batch_size"])
        self.step = 0
        self.history: list[dict[str, float]] = []
        self.sums = torch.zeros(3, device=DEVICE)  # of loss, right answers and faces

    def say(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and features."""
        half = DEVICE == "cuda" and self.settings["precision"] == "mixed_bfloat16"
        with torch.autocast(DEVICE, torch.bfloat16, enabled=half):
            fitted = fit(pictures, self.network.size_hw)
            return self.network(fitted.contiguous(memory_format=torch.channels_last))

    def learn(self, pictures: Tensor, target: Tensor, rows: Tensor, faces: Faces) -> None:
        """One step."""
        logits, features = self.say(pictures)
        wrong = functional.cross_entropy(logits, target, reduction="none")
        loss = (wrong * faces.weight[rows]).mean()
        if share := self.settings["other_labels"]:
            loss = loss + share * faces.rest_loss(self.rest(features.float()), rows)
        done = self.step / self.steps
        rate = self.settings["learning_rate"]
        if self.settings["warm_up"]:
            rate *= min(1, (self.step + 1) / (self.settings["warm_up"] * self.steps))
        for group in self.optimizer.param_groups:
            group["lr"] = rate * (1 + math.cos(math.pi * done)) / 2
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.step += 1
        self.sums += torch.stack(
            [wrong.sum(), _right(logits, target), wrong.new_tensor(len(rows))]
        ).detach()

    @torch.no_grad()
    def validate(self, faces: Faces) -> tuple[float, float]:
        """Loss and accuracy on the validation faces."""
        self.network.eval()
        sums = torch.zeros(2, device=DEVICE)
        for rows in faces.held_out.split(512):
            logits, _ = self.say(faces.pixels[rows].float())
            target = functional.one_hot(faces.known["male"][rows], 2).float()
            wrong = functional.cross_entropy(logits, target, reduction="none")
            sums += torch.stack([wrong.sum(), _right(logits, target)])
        self.network.train()
        loss, accuracy = (sums / len(faces.held_out)).tolist()
        return loss, accuracy

    def end_epoch(self, faces: Faces, seconds: float) -> None:
        """Add a row to the history and print it."""
        loss, right, count = self.sums.tolist()
        self.sums.zero_()
        val_loss, val_accuracy = self.validate(faces)
        row = {
            "epoch": len(self.history) + 1,
            "loss": loss / count,
            "accuracy": right / count,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
            "learning_rate": self.optimizer.param_groups[0]["lr"],
            "seconds": seconds,
        }
        self.history.append(row)
        print(self.name, {key: round(value, 4) for key, value in row.items()}, flush=True)

    def write(self, folder: Path) -> None:
        """NAME.csv, and NAME_0.npz and on, none much larger than PIECE."""
        with (folder / f"{self.name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, self.history[0])
            writer.writeheader()
            writer.writerows(self.history)
        piece: dict[str, np.ndarray[Any, Any]] = {}
        number = 0
        for key, array in self.network.as_keras().items():
            piece[key] = array.astype(np.float16 if array.ndim > 1 else np.float32)
            if sum(a.nbytes for a in piece.values()) > PIECE:
                np.savez(folder / f"{self.name}_{number}.npz", **piece)
                piece, number = {}, number + 1
        np.savez(folder / f"{self.name}_{number}.npz", **piece)


def teach(learners: list[Learner], faces: Faces, teacher: Learner | None, folder: Path) -> None:
    """Epoch by epoch; every learner sees the same pictures."""
    settings = learners[0].settings
    for learner in learners:
        for key in SHARED:
            if learner.settings[key] != settings[key]:
                raise SystemExit(f"{learner.name} and {learners[0].name} differ in {key}")
    size, trust = settings["batch_size"], settings["teacher_weight"]
    torch.manual_seed(settings["seed"])
    if teacher:
        teacher.network.eval()
    for _ in range(settings["epochs"]):
        began = time.monotonic()
        order = faces.train[torch.randperm(len(faces.train), device=DEVICE)]
        for rows in order[: len(order) // size * size].split(size):
            pictures = vary(faces.pixels[rows], settings)
            target = functional.one_hot(faces.known["male"][rows], 2).float()
            if teacher:
                with torch.no_grad():
                    answer = torch.softmax(teacher.say(pictures)[0], dim=1)
                target = trust * answer + (1 - trust) * target
            for learner in learners:
                learner.learn(pictures, target, rows, faces)
        for learner in learners:
            learner.end_epoch(faces, time.monotonic() - began)
            learner.write(folder)


def _right(logits: Tensor, target: Tensor) -> Tensor:
    return (logits.argmax(dim=1) == target.argmax(dim=1)).sum()


if __name__ == "__main__":
    main()
