"""The command line: ``python -m nsthelpers``, or ``nst`` once the package is installed.

Only what parses arguments is imported here, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import re
import sys
import traceback

from .cli.parser import DEMO, parser

__all__ = ["main"]


def main(argv=None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments, without the program's name; default those of the process.

    Returns
    -------
    int
        Exit status: 0; 1 if the work went wrong, the best image being saved; 2 for bad input,
        before any work; 130 after Ctrl-C. ``NST_DEBUG=1`` shows tracebacks.

    Examples
    --------
    >>> main(["samples", "--role", "photo"])
    2
    """
    try:
        status = _command(parser().parse_args(argv))
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("nst: interrupted; there is no image yet, so nothing was saved", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `nst layers | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ImportError, ValueError, OSError, MemoryError) as error:
        if os.environ.get("NST_DEBUG"):
            traceback.print_exc()
        print(f"nst: error: {_message(error)}", file=sys.stderr)
        return 1 if isinstance(error, MemoryError) else 2


def _command(arguments):
    from .cli import commands

    if arguments.command != "demo":
        return getattr(commands, arguments.command.replace("-", "_"))(arguments)
    folder = commands.make_folder(arguments.folder)
    line = ["transfer", *DEMO.split(), "--output", str(folder / "demo.png")]
    line += ["--report", str(folder / "demo.json")]
    line += ["--weights", arguments.weights] if arguments.weights else []
    line += ["--quiet"] if arguments.quiet else []
    return commands.demo(parser().parse_args(line), folder / "demo_sheet.png")


def _message(error):
    text = str(error)
    if isinstance(error, OSError) and error.strerror:  # without "[Errno 2]"
        text = error.strerror + (f": {error.filename}" if error.filename else "")
    text = " ".join(text.split()) or type(error).__name__
    # The only message that is long: what was tried to get weights, and the ways out.
    return re.sub(r" (?=Tried: |What to do: )", "\n  ", text)


if __name__ == "__main__":
    sys.exit(main())
