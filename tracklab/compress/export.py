"""A network as one file that runs without the code that made it: LiteRT, once TensorFlow Lite.

`export` takes functions with the shapes of what goes in (their signatures), freezes the weights
into the graph, and gives the file's bytes as an `Exported`, which runs them. In float32 the file
says what the functions say, to the precision of float32; the other precisions store less:

    float16        weights in 16 bits, arithmetic in float32
    int8 weights   kernels in 8 bits, one scale a channel; what flows comes and goes in float32, and
                   is rounded inside each layer, to the range that it has just then
    int8           all of it in 8 bits, as `quantization` writes it out; it must see examples first

Invariant: the bytes are all there is: `load(save(path))` runs alike, anywhere LiteRT does.

The interpreter is the one inside TensorFlow. It warns that a package of its own, `ai-edge-litert`,
will take its place; that would run the same files.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracklab import errors, files
from tracklab.quiet import keras, silenced, tf

Array = NDArray[Any]

FLOAT32, FLOAT16, WEIGHTS, INT8 = "float32", "float16", "int8 weights", "int8"
PRECISIONS = (FLOAT32, FLOAT16, WEIGHTS, INT8)
NOTES = logging.getLogger("tensorflow")
IDENTIFIER = slice(4, 8), b"TFL3"  # of a LiteRT file


@dataclass(frozen=True)
class Signature:
    """One function of a file.

    function: takes tensors by name, gives tensors by name. inputs: the shape of each, which is
    fixed; all are float32.
    """

    function: Callable[..., Mapping[str, Any]]
    inputs: Mapping[str, Sequence[int]]


class Exported:
    """What is in a LiteRT file, ready to run.

    content: the file's bytes. threads: that it may use. `signatures` names its functions, with the
    shapes of what goes in. Raises `InputError` for bytes that are no such file.
    """

    def __init__(self, content: bytes, *, threads: int = 1) -> None:
        if not isinstance(content, bytes) or content[IDENTIFIER[0]] != IDENTIFIER[1]:
            came = f"{len(content)} bytes" if isinstance(content, bytes) else errors.kind(content)
            errors.bad("content", errors.Said(came), "the bytes of a LiteRT file")
        self.content = content
        self.threads = int(errors.number("threads", threads, low=1, high=1024, whole=True))
        try:
            with _quietly():
                self.interpreter = tf.lite.Interpreter(model_content=content, num_threads=threads)
                self.interpreter.allocate_tensors()
                names = self.interpreter.get_signature_list()
                self._runners = {
                    name: self.interpreter.get_signature_runner(name) for name in names
                }
        except ValueError as reason:
            came = errors.Said(f"{len(content)} bytes ({str(reason).splitlines()[0]})")
            errors.bad("content", came, "the bytes of a LiteRT file, whole")
        self.signatures: dict[str, dict[str, tuple[int, ...]]] = {
            name: {
                key: tuple(int(n) for n in given["shape"])
                for key, given in runner.get_input_details().items()
            }
            for name, runner in self._runners.items()
        }

    def __len__(self) -> int:
        return len(self.content)

    def __repr__(self) -> str:
        return f"Exported({len(self):,} bytes, {', '.join(self.signatures)})"

    def run(self, signature: str, **inputs: Any) -> dict[str, Array]:
        """What a function of the file says of arrays by name.

        Raises `InputError` for another name, and for arrays of other shapes than it was made for.
        """
        errors.choice("signature", signature, self.signatures)
        wanted = self.signatures[signature]
        if set(inputs) != set(wanted):
            errors.bad("inputs", errors.Said(f"{sorted(inputs)}"), f"arrays named {sorted(wanted)}")
        given = {name: _array(name, value) for name, value in inputs.items()}
        for name, value in given.items():
            if value.shape != wanted[name]:
                errors.bad(name, value, f"shape {wanted[name]}, for which the file was made")
        found: dict[str, Array] = self._runners[signature](**given)
        return found

    def batched(self, images: Array) -> Array:
        """What the only function of a file of one input and one output says of `(N, ...)` examples.

        The file was made for one example; here it is run on all of them at once. Raises
        `InputError` for a file of another kind, and for images of another shape, or none.
        """
        if len(self.signatures) != 1 or len(next(iter(self.signatures.values()))) != 1:
            errors.bad("exported", self, "a file with one function, of one input")
        ((signature, inputs),) = self.signatures.items()
        ((name, shape),) = inputs.items()
        given = _array("images", images)
        if given.shape[1:] != shape[1:] or not len(given):
            errors.bad("images", given, f"shape (N, {', '.join(map(str, shape[1:]))})")
        (found,) = self._runners[signature](**{name: given}).values()
        return np.asarray(found)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the file, whole or not at all; returns its path."""
        return files.write_whole(Path(path), self.content)


def load(path: str | PathLike[str], *, threads: int = 1) -> Exported:
    """A LiteRT file, ready to run. Raises `SourceError` where it cannot be read as one."""
    try:
        return Exported(Path(path).read_bytes(), threads=threads)
    except (OSError, errors.InputError) as reason:
        raise errors.SourceError(f"{path}: is no LiteRT file ({files.why(reason)})") from None


def export(
    signatures: Mapping[str, Signature],
    variables: Iterable[Any],
    *,
    precision: str = FLOAT32,
    examples: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    threads: int = 1,
) -> Exported:
    """Functions and the weights that they use, as a file.

    variables: all that the functions read. precision: one of `PRECISIONS`. examples: for "int8", of
        each signature what goes in, by name, a few dozen times: from them come the ranges of all
        that flows between layers.

    Raises `InputError` for no signatures, another precision, weights that are not finite, "int8"
    without examples, with examples of other shapes or with such that are not finite.
    """
    errors.choice("precision", precision, PRECISIONS)
    if not signatures:
        errors.bad("signatures", signatures, "at least one, by name")
    if precision == INT8:
        _check_examples(signatures, examples)
    variables = list(variables)
    if not all(_is_finite(variable.numpy()) for variable in variables):
        errors.bad("variables", errors.Said("weights that are not finite"), "finite ones")
    module = tf.Module()
    # Keras keeps its variables in boxes of its own; what is saved must own TensorFlow's
    module.kept = [v.value if isinstance(v, keras.Variable) else v for v in variables]
    graphs = {name: _graph(one) for name, one in signatures.items()}
    module.graphs = list(graphs.values())
    with tempfile.TemporaryDirectory() as folder, _quietly():
        try:
            tf.saved_model.save(module, folder, signatures=graphs)
        except AssertionError:
            errors.bad("variables", module.kept, "all that the functions read")
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(graphs))
        if precision != FLOAT32:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == FLOAT16:
            converter.target_spec.supported_types = [tf.float16]
        if precision == INT8:
            assert examples is not None
            converter.representative_dataset = _shown(examples)
            # operations without an int8 form (a logarithm, say) stay in float32
            converter.target_spec.supported_ops = [
                tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
                tf.lite.OpsSet.TFLITE_BUILTINS,
            ]
        content = converter.convert()
    return Exported(bytes(content), threads=threads)


def _graph(signature: Signature) -> Any:
    specs = [
        tf.TensorSpec(tuple(shape), tf.float32, name=name)
        for name, shape in signature.inputs.items()
    ]
    names = list(signature.inputs)

    def run(*given: Any) -> Any:
        return dict(signature.function(**dict(zip(names, given, strict=True))))

    return tf.function(run, autograph=False, input_signature=specs).get_concrete_function()


def _shown(examples: Mapping[str, Sequence[Mapping[str, Any]]]) -> Callable[[], Any]:
    def show() -> Any:
        for name, several in examples.items():
            for one in several:
                given = {key: np.asarray(value, np.float32) for key, value in one.items()}
                yield name, given

    return show


def _check_examples(signatures: Mapping[str, Signature], examples: Any) -> None:
    wanted = "for int8, examples of what goes in, at least one for each signature"
    if not isinstance(examples, Mapping) or set(examples) != set(signatures):
        errors.bad("examples", errors.Said(errors.describe(examples)), wanted)
    for name, several in examples.items():
        if not len(several):
            errors.bad("examples", errors.Said(f"none for {name!r}"), wanted)
        for one in several:
            shapes = {key: np.shape(value) for key, value in one.items()}
            needed = {key: tuple(shape) for key, shape in signatures[name].inputs.items()}
            if shapes != needed:
                errors.bad("examples", errors.Said(f"shapes {shapes}"), f"{needed} for {name!r}")
            # NaN in a range would not raise an error in the converter, but end the process
            if not all(_is_finite(np.asarray(value)) for value in one.values()):
                errors.bad("examples", errors.Said(f"NaN or infinity for {name!r}"), wanted)


def made_for(exported: Any, names: Iterable[str]) -> Exported:
    """A file that has these functions. Raises `InputError` for another one."""
    wanted = f"a file with the functions {', '.join(names)}"
    if not isinstance(exported, Exported):
        errors.bad("exported", errors.kind(exported), wanted)
    if set(exported.signatures) != set(names):
        errors.bad("exported", exported, wanted)
    return exported


def _array(name: str, value: Any) -> NDArray[np.float32]:
    try:
        return np.asarray(value, np.float32)
    except (TypeError, ValueError):
        errors.bad(name, value, "an array of numbers")


def _is_finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


class _quietly:
    """Neither the warning about the interpreter's successor nor the converter's notes."""

    def __enter__(self) -> None:
        self._inner = silenced()
        self._inner.__enter__()
        self._caught = warnings.catch_warnings()
        self._caught.__enter__()
        warnings.simplefilter("ignore")
        self._level = NOTES.level
        NOTES.setLevel(logging.ERROR)

    def __exit__(self, *reason: Any) -> None:
        NOTES.setLevel(self._level)
        self._caught.__exit__(*reason)
        self._inner.__exit__(*reason)
