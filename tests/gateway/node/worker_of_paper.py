"""A worker that serves nobody, and does as the files in its data folder say: `python worker_of_paper.py NUMBER ...`."""

import os
import signal
import socket
import sys
from pathlib import Path

number, line = sys.argv[1], sys.argv[3]
said = socket.socket(fileno=int(line))
told = Path(os.environ["LIVEROOM_DATA_DIR"])
(told / f"{number}.{os.getpid()}").touch()
if (told / "refuse").exists():
    said.sendall(b"refused the house is shut.\n")
    sys.exit(2)
if (told / "fall").exists():
    sys.exit(3)
signal.signal(signal.SIGTERM, lambda *_: sys.exit((told / "drain badly").exists()))
said.sendall(b"ready\n")
(told / f"serves.{os.getpid()}").touch()
said.settimeout(0.02)
while True:  # whoever is told to retire does so
    try:
        told_to_retire = said.recv(100)
        break
    except TimeoutError:
        said.sendall(b"alive\n")
