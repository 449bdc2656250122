import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

import pilah
from pilah.answers import label_of
from pilah.errors import BundleError, PhotoTypeError
from pilah.models import model_path
from pilah.models.bundle import open_bundle
from pilah.models.classifier import Classifier
from pilah.pipeline import AHEAD, FEW, Pilah
from pilah.types import Result
from pilah.workers import WorkerError, Workers

SRC = Path(pilah.__file__).parent.parent


@pytest.fixture(scope="module")
def here(tiny_bundle: Path) -> Pilah:
    """Everything in this process."""
    return pilah.load(tiny_bundle, workers=1)


@pytest.fixture(scope="module")
def shared_out(tiny_bundle: Path) -> Iterator[Pilah]:
    """Two worker processes."""
    two = pilah.load(tiny_bundle, workers=2)
    yield two
    two.close()


def grey_crops(folder: Path, count: int) -> list[Path]:
    """Ever brighter crops, every tenth of them damaged."""
    paths = [folder / f"{n:04}.png" for n in range(count)]
    for n, path in enumerate(paths):
        if n % 10 == 7:
            path.write_bytes(b"damaged")
        else:
            Image.new("L", (24, 32), n * 255 // count).save(path)
    return paths


def test_the_label_is_the_likelier_one_or_none() -> None:
    assert [label_of(p, 0.8) for p in (0.0, 0.2, 0.21, 0.79, 0.8, 1.0)] == [
        "female",
        "female",
        None,
        None,
        "male",
        "male",
    ]
    assert label_of(0.5, 0.5) == "male"


def test_the_classifier_gives_one_probability_a_crop_whatever_the_batch(tiny_bundle: Path) -> None:
    classifier = Classifier(open_bundle(tiny_bundle))
    crops = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.full(
        (1, 32, 24, 3), 28, np.uint8
    )
    p_male = classifier.p_male(crops)
    assert p_male.dtype == np.float32 and p_male.shape == (10,)
    assert p_male == pytest.approx(
        1 / (1 + np.exp(-(crops.mean((1, 2, 3)) - 127.5) / 16)), abs=1e-5
    )
    assert np.array_equal(classifier.p_male(crops, batch=3), p_male)
    assert classifier.p_male(crops[:0]).shape == (0,)


def test_a_photo_gives_its_faces(here: Pilah) -> None:
    astronaut = skimage.data.astronaut()
    result = here.predict(astronaut)
    assert result.path is None and result.error is None and result.size_hw == (512, 512)
    assert len(result.faces) == 1
    assert result.box is not None and 80 < result.box.height < 200
    assert 0 <= result.faces[0].p_male <= 1


def test_a_rotated_photo_gives_boxes_in_its_own_pixels(here: Pilah) -> None:
    astronaut = skimage.data.astronaut()
    upright = here.predict(astronaut).faces[0]
    result = here.predict(np.ascontiguousarray(np.rot90(astronaut)))  # counter-clockwise
    assert (result.rotation, result.size_hw) == (90, (512, 512))
    (face,) = result.faces
    assert face.box.left == pytest.approx(upright.box.top, abs=3)
    assert face.box.top == pytest.approx(512 - upright.box.right, abs=3)
    assert face.height == pytest.approx(upright.height, abs=3)
    assert face.height > face.box.height  # a face is higher than wide
    assert face.p_male == pytest.approx(upright.p_male, abs=0.02)


def test_keys_come_back_with_their_results(here: Pilah, shared_out: Pilah, tmp_path: Path) -> None:
    paths = grey_crops(tmp_path, 40)
    alone = list(here.predict_many(paths, crops=True))
    for model in (here, shared_out):
        keyed = ((number, path) for number, path in enumerate(paths))
        found = list(model.predict_stream(keyed, crops=True))
        assert [key for key, _ in found] == list(range(40))
        assert [result for _, result in found] == alone


def test_pixels_are_answered_as_photos_are_and_few_are_taken_ahead(shared_out: Pilah) -> None:
    image = Image.fromarray(skimage.data.astronaut())
    pixels = [np.asarray(image.rotate(angle)) for angle in range(0, 48, 4)]
    taken = 0

    def keyed() -> Iterator[tuple[int, np.ndarray]]:
        nonlocal taken
        for number, image_rgb in enumerate(pixels):
            taken += 1
            yield number, image_rgb

    found = shared_out.predict_pixels(keyed())
    first = next(found)
    assert taken == 2 * shared_out.workers
    answers = [first, *found]
    assert [key for key, _ in answers] == list(range(12))
    assert [result for _, result in answers] == [*map(shared_out.predict, pixels)]
    assert answers[0][1].faces


def test_workers_refuse_a_model_file_that_is_not_the_one_that_was_loaded(
    tiny_bundle: Path, square_bundle: Path, tmp_path: Path
) -> None:
    paths = grey_crops(tmp_path, 40)
    path = tmp_path / "model.onnx"
    for change, reason in (
        (lambda: shutil.copy(square_bundle, path), "has changed since it was opened"),
        (path.unlink, "no model file"),
    ):
        shutil.copy(tiny_bundle, path)
        model = Pilah(path, workers=2)
        change()
        with pytest.raises(BundleError, match=reason):
            list(model.predict_many(paths, crops=True))
        model.close()


def test_a_result_survives_json(here: Pilah) -> None:
    import json

    scan = np.ascontiguousarray(np.rot90(skimage.data.astronaut()))
    for result in (here.predict(scan), here.predict(b"damaged")):
        assert Result.from_json(json.loads(json.dumps(result.to_json()))) == result


def test_faces_below_the_smallest_size_are_dropped(tiny_bundle: Path) -> None:
    astronaut = skimage.data.astronaut()
    height = pilah.load(tiny_bundle).predict(astronaut).faces[0].box.height
    for least, count in ((height - 1, 1), (height + 1, 0), (0.1, 1), (0.9, 0)):
        assert len(pilah.load(tiny_bundle, min_face=least).predict(astronaut).faces) == count


def test_a_large_jpeg_gives_the_boxes_and_crops_of_its_full_size(
    here: Pilah, tmp_path: Path
) -> None:
    small = Image.fromarray(skimage.data.astronaut())
    small.resize((3072, 3072), Image.Resampling.BICUBIC).save(tmp_path / "large.jpg")
    large_face = here.predict(tmp_path / "large.jpg")
    small_face = here.predict(small)
    assert large_face.size_hw == (3072, 3072)
    assert large_face.box is not None and small_face.box is not None
    assert large_face.box.left == pytest.approx(6 * small_face.box.left, rel=0.05)
    assert large_face.box.bottom == pytest.approx(6 * small_face.box.bottom, rel=0.05)
    assert large_face.p_male == pytest.approx(small_face.p_male, abs=0.05)


def test_a_small_face_in_a_large_jpeg_is_cut_from_all_its_pixels(tmp_path: Path) -> None:
    from pilah.faces.detect import Detector
    from pilah.faces.extract import Extractor
    from pilah.types import Frame

    scene = Image.new("RGB", (2600, 2600), (120, 120, 120))
    face = Image.fromarray(skimage.data.astronaut()).resize((420, 420))
    scene.paste(face, (1500, 900))
    scene.save(tmp_path / "scene.jpg", quality=95)
    extractor = Extractor((218, 178), Frame(0, 0, 1.9), Detector(), 20, 0)
    from_file = extractor(tmp_path / "scene.jpg", crops=False)
    from_pixels = extractor(np.asarray(scene), crops=False)
    assert len(from_file.crops) == len(from_pixels.crops) == 1
    sharpness = [
        np.abs(np.diff(c.crops[0].astype(int), axis=0)).mean() for c in (from_file, from_pixels)
    ]
    assert sharpness[0] == pytest.approx(sharpness[1], rel=0.2)


def test_a_ready_crop_is_taken_whole(here: Pilah) -> None:
    wide = np.zeros((64, 100, 3), np.uint8)
    wide[:, 26:74] = 255  # the centre, in the model's proportions of 32 to 24
    result = here.predict(wide, crops=True)
    (face,) = result.faces
    assert face.label == "male" and face.p_male > 0.99 and face.detector_score == 1
    assert (face.box.width, face.box.height) == (100, 64)


@pytest.mark.parametrize("which", ["here", "shared_out"])
def test_results_come_in_order_and_errors_stay_with_their_photo(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    paths = grey_crops(tmp_path, 150)
    results = list(request.getfixturevalue(which).predict_many(paths, crops=True))
    assert [result.path for result in results] == [str(path) for path in paths]
    assert [n for n, result in enumerate(results) if result.error] == list(range(7, 150, 10))
    sure = [result.p_male for result in results if result.p_male is not None]
    assert sure == sorted(sure)
    assert results[0].label == "female" and results[-1].label == "male"
    assert results[75].label is None and results[75].error is None


def test_processes_and_one_process_say_the_same(here: Pilah, shared_out: Pilah) -> None:
    photos = [skimage.data.astronaut()[:, n:] for n in range(0, 100, 5)]
    assert list(shared_out.predict_many(photos)) == list(here.predict_many(photos))
    assert [here.predict(photo) for photo in photos[:2]] == list(here.predict_many(photos[:2]))


@pytest.mark.parametrize("which", ["here", "shared_out"])
def test_the_input_is_only_taken_as_needed(which: str, request: pytest.FixtureRequest) -> None:
    engine = request.getfixturevalue(which)
    taken = 0
    crop = np.zeros((32, 24, 3), np.uint8)

    def endless() -> Iterator[np.ndarray]:
        nonlocal taken
        while True:
            taken += 1
            yield crop

    results = engine.predict_many(endless(), crops=True)
    for given in range(1, 400):
        next(results)
        assert taken - given <= AHEAD * engine.workers + FEW
    results.close()


@pytest.mark.parametrize("odd", [object(), threading.Lock(), 7, None, np.zeros((3, 3), np.int32)])
def test_what_is_no_photo_raises_at_once(here: Pilah, shared_out: Pilah, odd: object) -> None:
    """It never looks like an answer, nor like a photo that cannot be read."""
    black = np.zeros((32, 24, 3), np.uint8)
    with pytest.raises(PhotoTypeError, match="pass a path"):
        here.predict(odd)
    for model in (here, shared_out):
        photos = iter([black] * 40 + [odd] + [black])
        with pytest.raises(PhotoTypeError, match="pass a path"):
            list(model.predict_many(photos, crops=True))
        assert len(list(model.predict_many([black] * 20, crops=True))) == 20


@pytest.mark.parametrize(
    "one", ["a.jpg", b"", Path("a.jpg"), np.zeros((32, 24, 3), np.uint8), BytesIO(b"a\nb")]
)
def test_one_photo_is_not_several(here: Pilah, one: object) -> None:
    with pytest.raises(PhotoTypeError, match="pass a list of photos"):
        list(here.predict_many(one))


class Pixels(np.ndarray):  # type: ignore[type-arg]
    """Of a class that a worker process cannot import."""


def test_what_is_set_in_memory_travels_to_a_worker(shared_out: Pilah) -> None:
    portrait = Image.fromarray(skimage.data.astronaut()[:256])
    portrait.getexif()[0x0112] = 6
    alone = shared_out.predict(portrait)
    assert alone.size_hw == (512, 256)
    assert {result.size_hw for result in shared_out.predict_many([portrait] * 20)} == {(512, 256)}
    assert "exif" not in portrait.info


def test_an_array_of_any_class_travels_to_a_worker(shared_out: Pilah) -> None:
    white = np.full((32, 24, 3), 255, np.uint8).view(Pixels)
    Pixels.__module__ = "__main__"
    results = list(shared_out.predict_many([white] * 20, crops=True))
    assert {(result.label, result.error) for result in results} == {("male", None)}


@pytest.mark.parametrize("wrap", [bytearray, memoryview, BytesIO])
def test_an_encoded_file_may_come_in_any_buffer(shared_out: Pilah, wrap: type) -> None:
    buffer = BytesIO()
    Image.new("L", (24, 32), 255).save(buffer, "PNG")
    photos = [wrap(buffer.getvalue()) for _ in range(FEW + 4)]
    results = list(shared_out.predict_many(photos, crops=True))
    assert {result.label for result in results} == {"male"}


@pytest.mark.slow
def test_a_killed_worker_costs_no_result(tiny_bundle: Path) -> None:
    engine = pilah.load(tiny_bundle, workers=2)
    black = np.zeros((32, 24, 3), np.uint8)

    def photos() -> Iterator[np.ndarray]:
        for n in range(40):
            if n == FEW + 4:
                assert engine._workers._pool is not None
                for pid in list(engine._workers._pool._processes):
                    os.kill(pid, signal.SIGKILL)
            yield black

    results = list(engine.predict_many(photos(), crops=True))
    engine.close()
    assert len(results) == 40 and all(result.label == "female" for result in results)


def test_options_that_make_no_sense_are_refused(tiny_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(pilah.PilahError, match=r"give 0\.5"):
        pilah.load(tiny_bundle, min_confidence=0.3)
    with pytest.raises(BundleError, match="no model 'nonesuch': models in the package"):
        pilah.load("nonesuch")
    with pytest.raises(BundleError):
        model_path("../pipeline")
    assert model_path(tiny_bundle) == tiny_bundle
    assert pilah.load(tiny_bundle).min_confidence == 0.8
    assert pilah.load(tiny_bundle, min_confidence=0.5).min_confidence == 0.5


def run_script(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "script.py"
    path.write_text(script)
    return subprocess.run(
        [sys.executable, str(path)],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        timeout=60,
    )


MANY = "list(pilah.load({bundle!r}, workers=2).predict_many({photos!r}, crops=True))"


def answered(script: str, folder: Path, *, on_standard_input: bool = False) -> tuple[int, str]:
    """How many results a script counts, and what it prints on standard error."""
    path = folder / "script.py"
    path.write_text(script)
    done = subprocess.run(
        [sys.executable, "-" if on_standard_input else str(path)],
        input=script if on_standard_input else None,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout), done.stderr


@pytest.mark.parametrize("on_standard_input", [False, True])
def test_a_script_needs_no_main_guard(
    tiny_bundle: Path, tmp_path: Path, on_standard_input: bool
) -> None:
    photos = list(map(str, grey_crops(tmp_path, 40)))
    many = MANY.format(bundle=str(tiny_bundle), photos=photos)
    ran = tmp_path / "ran"
    script = f"open({str(ran)!r}, 'a').write('once')\nimport pilah\nprint(len({many}))\n"
    assert answered(script, tmp_path, on_standard_input=on_standard_input) == (40, "")
    assert ran.read_text() == "once"


INSIDE = {
    "an executor's process": """
from concurrent.futures import ProcessPoolExecutor
def load():
    global model
    import pilah
    model = pilah.load({bundle!r}, workers=2)
def count(photos):
    return len(list(model.predict_many(photos, crops=True)))
if __name__ == "__main__":
    with ProcessPoolExecutor(1, initializer=load) as processes:
        print(processes.submit(count, {photos}).result())
""",
    "a fork of one that used it": """
import multiprocessing, pilah
model = pilah.load({bundle!r}, workers=2)
def count():
    print(len(list(model.predict_many({photos}, crops=True))), flush=True)
if __name__ == "__main__":
    assert len(list(model.predict_many({photos}, crops=True))) == 40
    process = multiprocessing.get_context("fork").Process(target=count)
    process.start()
    process.join()
""",
    "a thread beside a pool of the caller": """
import threading, pilah
from concurrent.futures import ProcessPoolExecutor
def same(number):
    return number
def run():
    while not stopped.is_set():
        with ProcessPoolExecutor(1) as pool:
            assert pool.submit(same, 1).result() == 1
if __name__ == "__main__":
    stopped, errors = threading.Event(), []
    threading.excepthook = errors.append
    thread = threading.Thread(target=run)
    thread.start()
    model = pilah.load({bundle!r}, workers=2)
    counts = [len(list(model.predict_many({photos}, crops=True))) for _ in range(5)]
    stopped.set()
    thread.join()
    assert not errors, errors
    print(counts[0])
""",
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.parametrize("where", INSIDE)
def test_it_works_and_ends_inside(where: str, tiny_bundle: Path, tmp_path: Path) -> None:
    photos = list(map(str, grey_crops(tmp_path, 40)))
    script = INSIDE[where].format(bundle=str(tiny_bundle), photos=photos)
    count, _ = answered(script, tmp_path, on_standard_input=False)
    assert count == 40


NO_WORKERS = {
    "no semaphores": "import sys\nsys.modules['multiprocessing.synchronize'] = None\n{call}",
    "no process more": "import os\nimport multiprocessing.popen_spawn_posix as p\n"
    "def refuse(*_): raise BlockingIOError(11, 'Resource temporarily unavailable')\n"
    "p.Popen._launch = refuse\n{call}",
    "inside a pool": "import multiprocessing\n"
    "def count(_):\n    import pilah\n    return len({many})\n"
    "if __name__ == '__main__':\n"
    "    with multiprocessing.get_context('fork').Pool(1) as pool:\n"
    "        print(pool.map(count, [0])[0])\n",
}


@pytest.mark.parametrize("where", NO_WORKERS)
def test_without_workers_one_process_does_the_work_and_says_so_once(
    tiny_bundle: Path, tmp_path: Path, where: str
) -> None:
    photos = list(map(str, grey_crops(tmp_path, 40)))
    many = MANY.format(bundle=str(tiny_bundle), photos=photos)
    script = NO_WORKERS[where].format(many=many, call=f"import pilah\nprint(len({many}))\n")
    count, said = answered(script, tmp_path)
    assert count == 40
    (line,) = said.splitlines()
    assert line.startswith("pilah: no worker processes (") and "one process does all" in line


@pytest.mark.slow
def test_workers_that_cannot_start_are_no_error_of_the_target(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for path in grey_crops(tmp_path, 40):
        path.rename(photos / path.name)
    script = (
        "import sys\nsys.modules['multiprocessing.synchronize'] = None\n"
        "from pilah.cli import main\n"
        f"sys.argv = ['pilah', 'sort', {str(photos)!r}, '--to', {str(tmp_path / 'out')!r}]\n"
        "main()\n"
    )
    done = run_script(script, tmp_path)
    assert done.returncode == 1  # four of the files are damaged
    assert "no worker processes" in done.stderr and "cannot write" not in done.stderr
    assert len(list((tmp_path / "out").glob("*/*.png"))) == 40


def test_importing_is_light_and_predicting_needs_no_training_framework(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    done = run_script(
        "import sys, pilah\n"
        "heavy = {'numpy', 'PIL', 'onnxruntime'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "import skimage.data\n"
        f"result = pilah.load({str(tiny_bundle)!r}).predict(skimage.data.astronaut())\n"
        "assert result.faces\n"
        "heavy = {'keras', 'tensorflow', 'torch', 'pandas', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="processor time is not limited here")
def test_a_task_that_takes_too_much_of_the_processor_ends_and_the_next_is_done() -> None:
    workers = Workers(1, cpu_seconds=0.3)
    endless = partial(hashlib.pbkdf2_hmac, "sha256", b"word", iterations=10**9)
    try:
        with pytest.raises(WorkerError, match="ended the process"):
            workers.finish(workers.submit(endless, b"salt"))
        assert workers.finish(workers.submit(len, b"salt")) == 4
    finally:
        workers.close()
