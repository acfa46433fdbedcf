"""The Annals event store: where its server and its command line are installed."""

import os
import sys
import sysconfig

__all__ = ["find_program"]


def find_program(name: str = "annals-server") -> str:
    """Returns the path of `annals-server` or `annals`, as this package installed it.

    Raises FileNotFoundError if it is in none of the folders for scripts.
    """
    user_scheme = sysconfig.get_preferred_scheme("user") if sys.version_info >= (3, 10) else f"{os.name}_user"
    folders = [sysconfig.get_path("scripts"), sysconfig.get_path("scripts", scheme=user_scheme)]
    # Where pip install --target puts scripts.
    folders.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bin"))
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    raise FileNotFoundError(f"{name} is in none of {', '.join(folders)}; install annals-server again")
