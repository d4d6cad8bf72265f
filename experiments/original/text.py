"""docs/original-report.md in words: every figure of the report, its numbers beside ours, a verdict on each claim."""

from __future__ import annotations

from statistics import fmean

from runs import SWEEPS, Run, of

from gan_core import networks
from gan_core.config import TrialConfig
from gan_core.identity import unflatten
from orchestrator.statistics import change, share

DCGAN, STABILISED, ACGAN, WGAN_GP = SWEEPS
SMOOTHING, NOISE = "stabilizers.label_smoothing", "stabilizers.instance_noise.std"


def both_on(runs: list[Run]) -> list[Run]:
    """The stabilised system as the report built it (both stabilisers on), and the corrected one."""
    built = [run for run in of(runs, "as built") if run.factors[SMOOTHING] and run.factors[NOISE]]
    return [*built, *of(runs, "corrected")]


def page(runs: dict[str, list[Run]]) -> str:
    sections = [
        _head(runs),
        _dcgan(runs),
        _stabilised(runs),
        _acgan(runs),
        _wgan_gp(runs),
        _numbers(runs),
        _claims(runs),
    ]
    return "\n\n".join(sections) + "\n"


def _head(runs: dict[str, list[Run]]) -> str:
    some = runs[DCGAN][0].record
    versions = ", ".join(f"{name} {version}" for name, version in some.environment["packages"].items())
    return f"""# The original report, run again

A university report on GANs (2023, in Persian) trained four systems by hand, each with one seed and one setting, and
compared them by eye. Here each runs on three seeds as it was built, quirks included, and on three corrected, on the
report's own images (1005 hands showing one to five fingers, 32x32, grey). This page is made from those runs:

    for system in dcgan dcgan-stabilised acgan wgan-gp; do
        orchestrate sweep experiments/original/$system.yaml --set trial.data.path=FOLDER/finger_digits_5class.npz
    done
    python experiments/original/page.py

What differs from the report: one image in seven is kept to test the evaluator, so 862 are trained on; a short last
minibatch is left out (the report's ACGAN had one of 5 images); the amplitude of its noise is not known (0.1 here); the
DCGAN training loop is inferred from its text. Ran on {some.environment.get("processor", "")}, {versions}, precision
{some.applied.get("precision")}. {_evaluator(runs[STABILISED][0])}

Each figure has **as built** beside or above **corrected**. Line styles are seeds 0 (solid), 1 (dashed) and 2 (dotted).
"Corrected" means: the DCGANs have the paper's networks, N(0, 0.02) initialisation and learning rate; the ACGAN has
cross-entropy on logits, all else as built; the WGAN-GP as its section says."""


def _evaluator(run: Run) -> str:
    card = run.record.evaluator
    kept_out = card["kept_out"]
    return (
        f"Quality is measured with a classifier of the five classes, right on {card['accuracy']:.1%} of the images "
        f"kept "
        f"out; the {kept_out['count']} images kept out have a Frechet distance of {kept_out['frechet']:.1f} from the "
        f"training images (fewer images score larger: runs have {card['samples']} samples)."
    )


def _dcgan(runs: dict[str, list[Run]]) -> str:
    return f"""## DCGAN (figures 1 to 7)

**Figure 1, schematic.** Noise z goes through the generator G; the discriminator D sees real images and G's, and says
which is which; D's gradient trains both.

    z ~ N(0, I) --> G --> fake --.
                                  >--> D --> real or fake?
    data ----------------> real --'

**Figures 2 and 3, the printed networks** (as built).

{_printed({"model.networks": "original"})}

**Figure 4, optimiser and loss.** {_applied(of(runs[DCGAN], "as built")[0])} BCE with logits; D's loss is the mean of
its
halves, G's is non-saturating. Corrected: {_applied(of(runs[DCGAN], "corrected")[0])} N(0, 0.02) initialisation.

**Figure 5, generated images during training**, at the same latents.

![Sample grids of seed 0 at six steps, as built above, corrected below](figures/original/05-images-during-training.png)

**Figure 6, losses.**

![Losses of generator and discriminator against the step, as built and corrected](figures/original/06-losses.png)

**Figure 7, the discriminator's accuracy.**

![Accuracy and ROC area against the step, as built and corrected](figures/original/07-accuracy.png)

{_outcomes(runs[DCGAN])}"""


def _stabilised(runs: dict[str, list[Run]]) -> str:
    return f"""## DCGAN stabilised (figures 8 to 11)

Real targets of 0.9 and noise on the generated images (as built); on real and generated ones alike (corrected).

**Figure 8, generated images with the noise added.**

![Generated images without and with noise](figures/original/08-images-with-noise.png)

**Figure 9, images after both stabilisers**, every seed.

![Sample grids of three seeds at the end](figures/original/09-images-stabilised.png)

**Figures 10 and 11, losses and accuracy after them.**

![Losses against the step](figures/original/10-losses-stabilised.png)

![Accuracy and ROC area against the step](figures/original/11-accuracy-stabilised.png)

{_outcomes(runs[STABILISED])}"""


def _acgan(runs: dict[str, list[Run]]) -> str:
    return f"""## ACGAN (figures 12 to 18)

**Figure 12, diagram.** G is asked for a class; D says whether an image is real and which class it shows.

    z, class c --> G --> fake --.
                                 >--> D --> real or fake?
    data, class --------> real --'     `--> which class?

**Figures 13 and 14, the printed networks** (as built).

{_printed({"model.networks": "original", "model.family": "acgan"}, channels=3)}

**Figure 15, losses.** As built the class loss is -p instead of -log p, so the totals can be negative.

![Losses against the step](figures/original/15-losses-acgan.png)

**Figure 16, accuracy.**

![Accuracy and ROC area against the step](figures/original/16-accuracy-acgan.png)

**Figure 17, one image per class for five noises.**

![Five latents in rows, five classes in columns](figures/original/17-classes.png)

**Figure 18, generated images beside the data set**, a row a class.

![Real images beside generated ones](figures/original/18-beside-real.png)

{_outcomes(runs[ACGAN])}"""


def _wgan_gp(runs: dict[str, list[Run]]) -> str:
    return f"""## WGAN-GP (figures 19 and 20)

As built: {_applied(of(runs[WGAN_GP], "as built")[0])} Batch norm in the critic. Corrected:
{_applied(of(runs[WGAN_GP], "corrected")[0])} No norm in the critic, N(0, 0.02) initialisation.

**Figure 19, losses of generator and critic.**

![Losses against the step](figures/original/19-losses-wgan-gp.png)

**Figure 20, the critic's "accuracy"** (score above zero), and its ROC area.

![Accuracy and ROC area against the step](figures/original/20-accuracy-wgan-gp.png)

{_outcomes(runs[WGAN_GP])}"""


def _printed(settings: dict[str, str], channels: int = 1) -> str:
    config = TrialConfig.model_validate(unflatten(settings))
    classes = 5 if config.model.family == "acgan" else 0
    pair = networks.build(config.model, config.stabilizers, channels, classes, 32, seed=0)
    counts = [sum(weight.numel() for weight in network.parameters()) for network in pair]
    blocks = [f"```\n{network}\n```" for network in pair]
    return f"{blocks[0]}\n\n{counts[0]:,} parameters.\n\n{blocks[1]}\n\n{counts[1]:,} parameters."


def _applied(run: Run) -> str:
    """Adam as read from the optimisers."""
    players = {name: run.record.applied[name] for name in ("generator", "discriminator")}
    said = [f"{name} lr {found['lr']:g}, betas {tuple(found['betas'])}" for name, found in players.items()]
    return f"Adam, {'; '.join(said)}; batch {run.config.batch_size}."


def _outcomes(runs: list[Run]) -> str:
    """A table: verdicts and quality of each configuration, mean and range over the seeds that did not diverge."""
    lines = [
        "| configuration | verdicts, seeds 0 1 2 | Frechet at the end | at best (step), by seed | classes | "
        "diversity |",
        "|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(_configuration(run) for run in runs):
        members = [run for run in runs if _configuration(run) == name]
        lines.append(
            f"| {name} | {', '.join(run.verdict for run in members)} | {_over(members, 'frechet', '.1f')} | "
            f"{', '.join(map(_best, members))} | {_over(members, 'modes', '.1f')} | "
            f"{_over(members, 'diversity/ratio', '.2f')} |"
        )
    measured = ", ".join(dict.fromkeys(run.record.evaluator["id"] for run in runs))
    return "\n".join(lines) + f"\n\nMeasured with {measured}."


def _configuration(run: Run) -> str:
    return run.name.rsplit(" seed=", 1)[0]


def _best(run: Run) -> str:
    metric = f"frechet/{run.record.evaluator['id']}"
    return f"{run.record.best[metric]:.1f} ({run.record.best['step']:.0f})" if run.record.best else "–"


def _over(runs: list[Run], metric: str, form: str) -> str:
    """Mean and range over the seeds that did not diverge."""
    return _mean_and_range([run.last(metric) for run in runs if run.verdict != "diverged"], form)


def _mean_and_range(values: list[float], form: str) -> str:
    known = [value for value in values if value == value]  # not the NaN of what was never measured
    return f"{fmean(known):{form}} ({min(known):{form}} to {max(known):{form}})" if known else "–"


THEIRS: list[tuple[str, str, int, float, str]] = [
    # sweep, what, step, the report's value, our metric
    (DCGAN, "G loss", 2300, 0.8010, "loss/generator"),
    (DCGAN, "D loss", 2300, 0.6750, "loss/discriminator"),
    (STABILISED, "G loss", 1500, 0.8880, "loss/generator"),
    (STABILISED, "D loss", 1500, 0.6731, "loss/discriminator"),
    (ACGAN, "G loss", 1100, 0.1942, "loss/generator"),
    (ACGAN, "D loss", 1100, -0.4263, "loss/discriminator"),
    *[
        (WGAN_GP, "G loss", 100 * (i + 1), value, "loss/generator")
        for i, value in enumerate((-1.24, -8.34, -9.81, -10.43, -13.76, -12.60, -9.29, -6.60, -4.67))
    ],
    *[
        (WGAN_GP, "critic loss", 100 * (i + 1), value, "loss/discriminator")
        for i, value in enumerate((-6.01, -5.20, -3.86, -3.29, -4.34, -5.17, -5.70, -6.33, -7.28))
    ],
    *[
        (WGAN_GP, "accuracy", 100 * (i + 1), value, "accuracy/discriminator")
        for i, value in enumerate((0.508, 0.5, 0.527, 0.5, 0.5, 0.5, 0.527, 0.516, 0.504))
    ],
]


def _numbers(runs: dict[str, list[Run]]) -> str:
    lines = [
        "## Its numbers beside ours\n",
        "Means of about 100 steps up to the step; ours: mean and range over three seeds. The report has one run.\n",
        "| system | what | step | report | ours as built | ours corrected |",
        "|---|---|---|---|---|---|",
    ]
    for sweep, what, step, theirs, metric in THEIRS:
        chosen = both_on(runs[sweep]) if sweep == STABILISED else runs[sweep]
        ours = [
            _mean_and_range([run.mean_up_to(metric, step) for run in of(chosen, group)], ".3f")
            for group in ("as built", "corrected")
        ]
        lines.append(f"| {sweep.removeprefix('original-')} | {what} | {step} | {theirs:g} | {ours[0]} | {ours[1]} |")
    return "\n".join(lines)


def _claims(runs: dict[str, list[Run]]) -> str:
    built = of(runs[STABILISED], "as built")
    return f"""## Its claims, judged

**"Label smoothing and noise stabilise the DCGAN."** As built, {len(built)} runs of {built[0].config.steps} steps:

- Smoothing: {_effect(built, SMOOTHING, NOISE)}
- Noise: {_effect(built, NOISE, SMOOTHING)}

**"The DCGAN's losses and accuracy show that it trains."** {_healthy_losses(runs[DCGAN])}

**"The WGAN-GP ends at an accuracy of 0.50."** {_accuracy_means(runs[WGAN_GP])}

**"The ACGAN's losses fall to 0.19 and -0.43."** {_wrong_class_loss(runs[ACGAN])}"""


def _effect(runs: list[Run], factor: str, other: str) -> str:
    """What a stabiliser changed, paired by seed and by the other stabiliser; means within a seed share its luck."""
    off = {(run.seed, run.factors[other]): run for run in runs if not run.factors[factor]}
    pairs = [(off[run.seed, run.factors[other]], run) for run in runs if run.factors[factor]]
    without, within = ([pair[i].verdict == "stable" for pair in pairs] for i in (0, 1))
    said = f"stable in {_share(within)} with it and in {_share(without)} without."
    by_seed: dict[int, list[float]] = {}
    for before, after in pairs:
        if "diverged" not in (before.verdict, after.verdict):
            by_seed.setdefault(after.seed, []).append(after.last("frechet") - before.last("frechet"))
    if not by_seed:
        return said
    differences = [difference for one_seed in by_seed.values() for difference in one_seed]
    mean = change([fmean(one_seed) for one_seed in by_seed.values()])
    lower = sum(difference < 0 for difference in differences)
    if mean.high < 0:
        verdict = "It helps."
    elif mean.low > 0:
        verdict = "It harms."
    else:
        verdict = f"Whether it helps is not shown by {len(by_seed)} seeds: the interval holds 0."
    return (
        f"{said} The Frechet distance at the end is lower with it in {lower} of {len(differences)} pairs of runs that "
        f"differ in nothing else, and changes by {mean.mean:+.1f} on average (95% interval over seeds "
        f"{mean.low:+.1f} to "
        f"{mean.high:+.1f}). {verdict}"
    )


def _share(stable: list[bool]) -> str:
    found = share(sum(stable), len(stable))
    return f"{found} runs (95% interval {found.low:.0%} to {found.high:.0%})"


def _healthy_losses(runs: list[Run]) -> str:
    built, corrected = (of(runs, group) for group in ("as built", "corrected"))
    step = built[0].config.steps
    said = []
    for name, members in (("as built", built), ("corrected", corrected)):
        values = [
            _mean_and_range([run.mean_up_to(metric, step) for run in members], ".2f")
            for metric in ("loss/discriminator", "loss/generator", "accuracy/discriminator")
        ]
        said.append(
            f"{name}: D loss {values[0]}, G loss {values[1]}, accuracy {values[2]} over the last 100 steps; Frechet "
            f"distance {_over(members, 'frechet', '.1f')}"
        )
    apart = [run.last("frechet") for run in corrected], [run.last("frechet") for run in built]
    better = "corrected" if fmean(apart[0]) < fmean(apart[1]) else "as built"
    return (
        f"They show how the players stand against each other, not the images against the data. {said[0]}. {said[1]}. "
        f"The "
        f"better images are those of the runs {better}, whatever the losses and the accuracy seem to say; "
        "experiments/healthy-losses.yaml has a collapse with healthy losses."
    )


def _accuracy_means(runs: list[Run]) -> str:
    parts = []
    for group in ("as built", "corrected"):
        members = of(runs, group)
        accuracy = _mean_and_range([run.mean_up_to("accuracy/discriminator", 900) for run in members], ".2f")
        auc = _mean_and_range([run.mean_up_to("accuracy/auc", 900) for run in members], ".2f")
        parts.append(f"{group} the accuracy is {accuracy} and the area under the ROC curve {auc}")
    return (
        "It means nothing: a critic's score has no natural zero, so counting scores above zero measures where its "
        "offset "
        f"happens to lie. Over the last 100 steps {parts[0]}; {parts[1]}. The ROC area, which no offset changes, is "
        f"the "
        "chance that the critic ranks a real image above a generated one."
    )


def _wrong_class_loss(runs: list[Run]) -> str:
    built, corrected = of(runs, "as built"), of(runs, "corrected")
    class_loss = _mean_and_range([run.mean_up_to("loss/class_real", 1100) for run in built], ".2f")
    agreement = [[run.last("class_agreement") for run in members] for members in (built, corrected)]
    apart = max(agreement[0]) < min(agreement[1])
    verdict = "every corrected run draws it more often than every one as built" if apart else "no clear difference"
    return (
        f"They cannot be read as quality. As built the class loss on real images ends at {class_loss}: it is -p, at "
        f"best "
        "-1, so the totals can be negative, and where D is surely wrong it has no gradient. The asked class is "
        "drawn, by "
        f"the evaluator's classifier, in {_over(built, 'class_agreement', '.2f')} of the images as built and in "
        f"{_over(corrected, 'class_agreement', '.2f')} corrected: {verdict} (chance is 0.20). The Frechet distance "
        f"ends at "
        f"{_over(built, 'frechet', '.1f')} and {_over(corrected, 'frechet', '.1f')}. "
        "The report's finals are those of a last minibatch of 5 images; ours are means."
    )
