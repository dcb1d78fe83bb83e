"""One photo, dreamed in many ways, on one sheet: so that a preset or a layer is chosen by looking."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from dreamvideo.config import Config, Dream, has_formula
from dreamvideo.errors import ConfigError, InputError, NetworkError
from dreamvideo.media.sheet import Label, Layout
from dreamvideo.media.source import Source
from dreamvideo.render.companions import Companions
from dreamvideo.render.job import Job, Listener
from dreamvideo.render.journal import Journal
from dreamvideo.render.picture import check_photo, dream_still
from dreamvideo.render.plan import preview_config
from dreamvideo.render.sheets import Cell, SheetJob, SheetReport, fit, make_sheet, open_journal
from dreamvideo.render.start import Notes, load_dreamer, open_input


@dataclass(frozen=True)
class Variant:
    """One way to dream, and its name."""

    name: str
    config: Config


def compare(job: SheetJob, photo: str, variants: Sequence[Variant], title: str, listener: Listener) -> SheetReport:
    """Dream ``photo`` in every way of ``variants``, at the size of a preview, onto one sheet that begins with itself.

    A variant whose network or pictures are not there is left out, with a note.
    """
    return _compare(job, open_journal(job), photo, lambda: variants, title, Notes(listener))


def compare_layers(job: SheetJob, photo: str, listener: Listener) -> SheetReport:
    """Dream ``photo`` on every layer that is worth it, one by one, and for the rest by the job's config."""
    from dreamvideo.dream.networks import load_network

    dream = job.config.dream
    if has_formula(dream.objective):
        raise ConfigError(
            "layers can't be compared by a formula, which names its own: give dream.objective a name alone"
        )

    def variants() -> list[Variant]:
        network = load_network(dream.network, input_range=dream.input_range, input_node=dream.input_node)
        return [Variant(layer, _with_layer(job.config, layer)) for layer in network.showcase]

    return _compare(job, open_journal(job), photo, variants, f"layers of {dream.network}", Notes(listener))


def _with_layer(config: Config, layer: str) -> Config:
    return config.model_copy(update={"dream": config.dream.model_copy(update={"layers": {layer: 1.0}})})


def _compare(
    job: SheetJob,
    journal: Journal,
    photo: str,
    find_variants: Callable[[], Sequence[Variant]],
    title: str,
    notes: Notes,
) -> SheetReport:
    whole = Job(photo, job.output, job.config, overwrite=job.overwrite)
    with open_input(whole) as source:
        check_photo(whole, source)
        notes.add(source.warnings)
        variants = _usable(find_variants(), source, notes)
        layout = Layout(len(variants) + 1, fit(source.height, source.width, job.cell), f"{len(variants)} {title}")
        cells = [
            Cell(Label("input"), lambda: (next(source.frames()), None)),
            *(Cell(Label(variant.name), _dream(job, photo, variant, notes)) for variant in variants),
        ]
        made_of = {
            "input": source.identity(),
            "variants": {variant.name: variant.config.model_dump(mode="json") for variant in variants},
        }
        return make_sheet(job, journal, layout, cells, made_of, notes)


def _usable(variants: Sequence[Variant], source: Source, notes: Notes) -> list[Variant]:
    """The variants that have all that they need, with a note on each of the others."""
    check = cache(_problem_of_network)
    usable = []
    for variant in variants:
        dream = variant.config.dream
        problem = check(dream.network, dream.input_range, dream.input_node) or _problem_of_pictures(dream, source)
        if problem:
            notes.add([f"{variant.name} is left out: {problem}"])
        else:
            usable.append(variant)
    return usable


def _problem_of_network(name: str, input_range: str, input_node: str | None) -> str | None:
    from dreamvideo.dream.networks import load_network

    try:
        load_network(name, input_range=input_range, input_node=input_node)
    except NetworkError as error:
        return str(error)
    return None


def _problem_of_pictures(dream: Dream, source: Source) -> str | None:
    from dreamvideo.dream.binding import bind_objective

    if not has_formula(dream.objective):
        return None
    try:
        paths = {name: dream.pictures.get(name, name) for name in bind_objective(dream).pictures}
        with Companions(paths, source):
            return None
    except (ConfigError, InputError) as error:
        return str(error)


def _dream(job: SheetJob, photo: str, variant: Variant, notes: Notes) -> Callable[[], tuple[np.ndarray, float]]:
    """How to dream one variant; nothing is done before it is called."""

    named = Notes(Listener(note=lambda sentence: notes.add([f"{variant.name}: {sentence}"])))

    def dream() -> tuple[np.ndarray, float]:
        config = preview_config(Job(photo, job.output, variant.config))
        with open_input(Job(photo, job.output, config)) as source:
            dreamt = dream_still(config, load_dreamer(config), source, next(source.frames()), named)
        return dreamt.dreamed, dreamt.objective

    return dream
