"""``make bench``: speed and memory as ratios against peers in the same run. Needs ``wrk`` and ``sqlite3`` on the machine."""
