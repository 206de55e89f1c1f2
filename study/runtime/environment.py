"""Keep environment variables of shells, notebooks and clusters from changing the outcome.

Variables that could end or change a study are set or removed here, before the libraries that read
them are imported. `docs/reference/environment-variables.md` lists them with what was tried.
"""

import logging
import os
import sys
import warnings
from pathlib import Path

from bloodnets.errors import DataError, ResourceError
from study.runtime.token import TOKEN_PATH_VARIABLE

RAY_ADDRESS = "RAY_ADDRESS"
"""Variable with the address of a Ray cluster, which `ray job submit` sets."""

RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # With `uv run`, Ray would start each worker with uv, in a copy of the current folder.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    # Tune would also write each result in three formats; the ledger has them.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # `study.runtime.signals` has our own handler.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # Seconds between snapshots of Tune's state, which are unused and cannot be switched off.
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",
    # Pending trials up to this number are visible to the autoscaler of a cluster.
    "TUNE_MAX_PENDING_TRIALS_PG": "200",
}
"""Variables that are set before Ray is imported."""

_PYTHON_SWITCHES = (
    "PYTHONDEVMODE",
    "PYTHONINSPECT",
    "PYTHONIOENCODING",
    "PYTHONMALLOC",
    "PYTHONOPTIMIZE",
    "PYTHONPROFILEIMPORTTIME",
    "PYTHONTRACEMALLOC",
    "PYTHONVERBOSE",
    "PYTHONWARNINGS",
)
"""Variables for one Python program, with which the programs of Ray do not start or print more."""

_LIBRARY_PREFIXES = (
    "JOBLIB_",
    "LOKY_",
    "MLFLOW_",
    "NETWORKX_",
    "NPY_",
    "NUMPY_",
    "OPTUNA_",
    "PANDAS_",
    "PYDANTIC_",
    "PYTORCH_",
    "SCIPY_",
    "SKLEARN_",
    "TERMINAL_",
    "TORCH",
    "TQDM_",
)
"""Prefixes of settings of libraries, with which some do not import, compute or print the same."""

_HIDDEN_WARNINGS = (
    DeprecationWarning,
    ImportWarning,
    PendingDeprecationWarning,
    ResourceWarning,
)
"""Warnings that Python hides by default."""

_TUNE_PREFIXES = ("TUNE_", "RAY_TUNE_", "RAY_AIR_", "RAY_TRAIN_", "RAY_CHDIR_")
"""Prefixes of variables of Ray Tune: an invalid value ends the study, and no value is useful."""

_MEMORY_PREFIX = "RAY_memory_"
"""Prefix of the settings of Ray's memory monitor, which Ray's own messages recommend to change."""

_JOB_VARIABLES = frozenset(
    (
        "RAY_CLIENT_MODE",
        "RAY_CLOUD_INSTANCE_ID",
        "RAY_EXPERIMENTAL_NOSET_ASCEND_RT_VISIBLE_DEVICES",
        "RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES",
        "RAY_JOB_STOP_WAIT_TIME_S",
        "RAY_LD_PRELOAD_ON_WORKERS",
        "RAY_NODE_TYPE_NAME",
        "RAY_worker_niceness",
    )
)
"""Variables that Ray sets for each job or reads to stop it, and that change no trial."""

_NAMED_VARIABLES = frozenset(
    (
        # They hide GPUs.
        "CUDA_VISIBLE_DEVICES",
        "HIP_VISIBLE_DEVICES",
        "NVIDIA_VISIBLE_DEVICES",
        "ROCR_VISIBLE_DEVICES",
        # They limit cores and manage the memory of a GPU.
        "LOKY_MAX_CPU_COUNT",
        "PYTORCH_ALLOC_CONF",
        "PYTORCH_CUDA_ALLOC_CONF",
        # They select other kernels, so a seed gives other weights.
        "ATEN_CPU_CAPABILITY",
        "CUBLAS_WORKSPACE_CONFIG",
        "DNNL_MAX_CPU_ISA",
        "MKL_CBWR",
        "MKL_ENABLE_INSTRUCTIONS",
        "NVIDIA_TF32_OVERRIDE",
        "ONEDNN_MAX_CPU_ISA",
        "OPENBLAS_CORETYPE",
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    )
)
"""Variables that a user may need, and that change where or how a trial is trained."""


def prepare_environment() -> None:
    """Undo variables that would end a command, or the processes that it starts.

    The function is called before other libraries are imported.
    """
    for name in [*os.environ]:
        if name in _PYTHON_SWITCHES or (
            name.startswith(_LIBRARY_PREFIXES) and name not in _NAMED_VARIABLES
        ):
            del os.environ[name]
    if sys.warnoptions:  # with `error`, a library's warning would end the study
        sys.warnoptions.clear()
        warnings.resetwarnings()
        for category in _HIDDEN_WARNINGS:
            warnings.simplefilter("ignore", category)
    # Figures need no window. matplotlib does not import with an unknown backend, and Jupyter's
    # backend may not be installed here.
    os.environ["MPLBACKEND"] = "agg"
    # MLflow would send statistics of its use to its developers.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    # Figures have their own style, so errors in a `matplotlibrc` are of no interest.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def prepare_ray_environment(address: str | None) -> None:
    """Set and remove variables of Ray, which partly reads them when it is imported.

    Ray on this host is private to the study. So settings of a cluster are removed for it: they
    make it time out, connect elsewhere, or run without CPUs. `RAY_ADDRESS` stays, because it is
    already resolved, and the command to resume depends on it.

    Args:
        address: Address of a Ray cluster, whose settings are kept; None for Ray on this host.

    Raises:
        ResourceError: Python runs without docstrings, so Ray Tune cannot be imported.
    """
    if sys.flags.optimize > 1:
        raise ResourceError(
            "Python runs with PYTHONOPTIMIZE=2 or -OO, but Ray Tune needs docstrings",
            value=sys.flags.optimize,
            remedy="unset PYTHONOPTIMIZE",
        )
    for name in [*os.environ]:
        is_kept = (
            name == RAY_ADDRESS
            or name.startswith(_MEMORY_PREFIX)
            # `study.runtime.home` also sets it.
            or (name == TOKEN_PATH_VARIABLE and Path(os.environ[name]).is_file())
        )
        if name.startswith(_TUNE_PREFIXES) or (
            address is None and name.startswith("RAY_") and not is_kept
        ):
            del os.environ[name]
    os.environ.update(RAY_ENVIRONMENT)


def require_utf8_names() -> None:
    """Raise if an argument or the current folder is not valid UTF-8.

    Ray, the files of a study and its report cannot contain such a name.

    Raises:
        DataError: A name is not valid UTF-8.
        ResourceError: The current folder has been removed.
    """
    try:
        folder = os.getcwd()
    except FileNotFoundError as error:
        raise ResourceError(
            "the current folder no longer exists", remedy="change to another folder"
        ) from error
    for kind, name in (
        *(("argument", argument) for argument in sys.argv),
        ("current folder", folder),
        ("home folder", str(Path.home())),
    ):
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"the {kind} {name!r} is not valid UTF-8", value=name, remedy="rename it"
            ) from error


def list_variables_in_effect(address: str | None) -> list[str]:
    """Return the names of variables that change where or how trials are trained, sorted.

    Args:
        address: Address of the Ray cluster of the study; None for Ray on this host.
    """
    names = set(os.environ) & _NAMED_VARIABLES
    for name in os.environ:
        if name == RAY_ADDRESS:
            is_in_effect = os.environ[name] == address
        else:
            is_in_effect = name.startswith("RAY_" if address else _MEMORY_PREFIX)
        if is_in_effect and name not in {*RAY_ENVIRONMENT, *_JOB_VARIABLES}:
            names.add(name)
    return sorted(names)
