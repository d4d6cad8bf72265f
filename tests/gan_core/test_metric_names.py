"""The names of metrics are a file format: histories and MLflow stores of earlier versions have them."""

from __future__ import annotations

from gan_core import metric_names

MINE = "classifier-1a2b3c4d"
NAMES = {
    "LOSS_DISCRIMINATOR": "loss/discriminator",
    "LOSS_DISCRIMINATOR_REAL": "loss/discriminator_real",
    "LOSS_DISCRIMINATOR_FAKE": "loss/discriminator_fake",
    "LOSS_WASSERSTEIN": "loss/wasserstein",
    "LOSS_PAIRING": "loss/pairing",
    "LOSS_CLASS_REAL": "loss/class_real",
    "LOSS_CLASS_FAKE": "loss/class_fake",
    "LOSS_GENERATOR": "loss/generator",
    "LOSS_GENERATOR_ADVERSARIAL": "loss/generator_adversarial",
    "LOSS_GENERATOR_CLASS": "loss/generator_class",
    "LOSS_FEATURE_MATCHING": "loss/feature_matching",
    "ADA_PROBABILITY": "ada/probability",
    "TOP_K_SHARE": "top_k/share",
    "SCORE_REAL": "score/real",
    "SCORE_FAKE": "score/fake",
    "ACCURACY_REAL": "accuracy/real",
    "ACCURACY_FAKE": "accuracy/fake",
    "ACCURACY_DISCRIMINATOR": "accuracy/discriminator",
    "ACCURACY_AUC": "accuracy/auc",
    "ACCURACY_CLASS_REAL": "accuracy/class_real",
    "GRADIENT_NORM": "gradient_norm",
    "GRADIENT_NORM_DISCRIMINATOR": "gradient_norm/discriminator",
    "GRADIENT_NORM_GENERATOR": "gradient_norm/generator",
    "WEIGHT_NORM": "weight_norm",
    "WEIGHT_NORM_DISCRIMINATOR": "weight_norm/discriminator",
    "WEIGHT_NORM_GENERATOR": "weight_norm/generator",
    "IMAGES_DISCRIMINATOR": "images/discriminator",
    "IMAGES_GENERATOR": "images/generator",
    "SPEED": "speed/images_per_second",
    "DIVERSITY_SAMPLES": "diversity/samples",
    "DIVERSITY_RATIO": "diversity/ratio",
    "FRECHET": "frechet",
    "KERNEL": "kernel",
    "KERNEL_SPREAD": "kernel_spread",
    "PRECISION": "precision",
    "RECALL": "recall",
    "DENSITY": "density",
    "COVERAGE": "coverage",
    "MODES": "modes",
    "CLASS_DIVERGENCE": "class_divergence",
    "CLASS_AGREEMENT": "class_agreement",
    "DISTINCT_IMAGES": "distinct_images",
    "DISTINCT": "distinct",
    "FRECHET_INFINITY": "frechet_infinity",
    "CLASS_RECALL": "class_recall",
    "WEAKEST_CLASS": "weakest_class",
    "AUTHENTICITY": "authenticity",
    "COPIED": "copied",
    "FRECHET_TO_TRAINING": "frechet_to_training",
    "FRECHET_TO_HELD_OUT": "frechet_to_held_out",
    "VERDICT_STABLE": "verdict/stable",
    "SYSTEM_GPU_UTILIZATION": "system/gpu_0_utilization_percentage",
    "POSITION": ("step", "time"),
    "TIME_DEPENDENT": ("time", "speed/", "system/"),
}


def test_every_name_is_as_earlier_versions_wrote_it() -> None:
    assert {name: value for name, value in vars(metric_names).items() if name.isupper()} == NAMES


def test_names_that_take_an_argument_are_as_earlier_versions_wrote_them() -> None:
    assert metric_names.frechet(MINE) == "frechet/classifier-1a2b3c4d"
    assert metric_names.coverage(MINE) == "coverage/classifier-1a2b3c4d"
    assert metric_names.distinct_images(MINE) == "distinct_images/classifier-1a2b3c4d"
    assert metric_names.of_evaluator("kernel", MINE) == "kernel/classifier-1a2b3c4d"
    assert metric_names.raw(metric_names.frechet(MINE)) == "raw_frechet/classifier-1a2b3c4d"
    assert metric_names.best(metric_names.frechet(MINE)) == "best_frechet/classifier-1a2b3c4d"
    assert metric_names.loss_of_penalty("r1") == "loss/r1"
    assert metric_names.system("worker_cpu_percentage") == "system/worker_cpu_percentage"


def test_only_the_distance_of_the_kept_generator_is_called_the_frechet_distance() -> None:
    frechet = metric_names.frechet(MINE)
    assert metric_names.is_frechet(frechet)
    assert not any(map(metric_names.is_frechet, (metric_names.raw(frechet), metric_names.best(frechet), "frechet")))


def test_metrics_of_a_row_are_all_that_is_not_its_step_and_time() -> None:
    assert metric_names.without_position({"step": 1, "time": 2, "loss/generator": 3.0}) == {"loss/generator": 3.0}
