"""Check before Ray starts that a study can be trained on its data."""

from bloodnets.data.folds import check_folds
from bloodnets.data.medmnist import BloodCells
from study.configs.study_config import GridConfig, SearchConfig
from study.lifecycle.trial_memory import check_trial_memory


def check_data(config: GridConfig | SearchConfig, cells: BloodCells) -> None:
    """Raise if the data have too few images for the folds, or too large ones for the memory.

    Args:
        config: Settings of the study.
        cells: Data of the study.

    Raises:
        DataError: A class is not in every fold of a cross-validation.
        ResourceError: The trials would need more memory than is free.
    """
    n_copied_images = 0
    if isinstance(config, GridConfig) and config.folds is not None:
        check_folds(cells, config.folds, range(config.seeds))
        n_copied_images = len(cells.train.labels) + len(cells.val.labels)
    check_trial_memory(config, cells.shape, n_copied_images=n_copied_images)
