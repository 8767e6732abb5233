import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import processes

OWNER = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import processes
mark, state = sys.argv[1], Path(sys.argv[2])
keeper = processes.Keeper(mark, state)
script = "trap '' TERM; sleep 100 & wait" if sys.argv[4] == "deaf" else "sleep 100"
processes.Part("part", ["/bin/sh", "-c", script], {"PATH": os.defpath, processes.MARK: mark}, state / "log")
print("up", flush=True)
time.sleep(100)
"""


class KeeperTest(unittest.TestCase):
    def owner(self, kind):
        state = Path(tempfile.mkdtemp())
        mark = f"test-{os.getpid()}-{time.monotonic_ns()}"
        command = [sys.executable, "-c", OWNER, mark, str(state), str(Path(processes.__file__).parent), kind]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.assertEqual(b"up\n", process.stdout.readline())
        # while a shell becomes its command, its environment cannot be read
        self.until(lambda: processes.carrying(mark), "the part does not run")
        return process, mark, state

    def until(self, condition, what):
        deadline = time.monotonic() + 10
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)

    def test_nothing_outlives_an_owner_that_is_killed(self):
        for kind in ("listening", "deaf"):
            process, mark, state = self.owner(kind)
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.until(lambda: not processes.carrying(mark), "processes are left")
            self.until(lambda: not state.exists(), "the state is left")

    def test_ports_are_free_and_different(self):
        self.assertEqual(4, len(set(processes.free_ports(4))))


if __name__ == "__main__":
    unittest.main()
