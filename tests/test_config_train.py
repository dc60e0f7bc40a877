"""`[train]`: the goals of the training job, for cron."""

from __future__ import annotations

import pytest

from router.config import Config, load
from router.config.train import TrainGoal
from router.errors import ConfigError, InputError
from tests.kit import ladder
from training.goals import goals_in

TIERS = ladder("small", "large").tiers
WRITTEN = """
preset = "local"

[train]
target_quality = 0.95
delta = 0.05

[train.profiles.internal]
target_quality = 0.9

[train.profiles.batch]
budget = 2.5
delta = 0.2
"""


def test_goals_are_read_from_the_file(tmp_path):
    path = tmp_path / "tierwise.toml"
    path.write_text(WRITTEN)

    found = load(path).train

    assert found.goal == TrainGoal(target_quality=0.95, delta=0.05)
    assert found.profiles == {
        "internal": TrainGoal(target_quality=0.9),
        "batch": TrainGoal(budget=2.5, delta=0.2),
    }


def test_a_profile_takes_the_delta_of_train_unless_it_has_its_own_and_the_command_line_overrules_both(tmp_path):
    path = tmp_path / "tierwise.toml"
    path.write_text(WRITTEN)
    settings = load(path).train

    found, overruled = goals_in(settings), goals_in(settings, delta=0.01)

    assert {name: goal.delta for name, goal in found.items()} == {"default": 0.05, "internal": 0.05, "batch": 0.2}
    assert (found["batch"].budget, found["internal"].target_quality) == (2.5, 0.9)
    assert {goal.delta for goal in overruled.values()} == {0.01}


def test_without_a_goal_the_sentence_names_both_places():
    with pytest.raises(InputError, match=r"pass --target-quality or --budget, or write .* under \[train\]"):
        goals_in(Config.of(TIERS).train)


def test_what_training_aims_for_is_no_part_of_the_version_that_decisions_carry():
    assert Config.of(TIERS, train={"target_quality": 0.9}).version == Config.of(TIERS).version


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"target": 0.9}, "did you mean `target_quality`"),
        ({"target_quality": 0}, "must be above 0"),
        ({"budget": -1}, "must be above 0"),
        ({"delta": 0.9}, "at most 0.5"),
        ({"profiles": {"a": {"quality": 0.9}}}, "there is no such key"),
        ({"profiles": {"a": {"delta": 0.1}}}, "nothing to tune for"),
        ({"profiles": {"a": 0.9}}, "must be a table"),
        ({"profiles": {"default": {"budget": 1}}}, r"write its goal in \[train\] itself"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(table, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Config.of(TIERS, train=table)
