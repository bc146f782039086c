"""``python -m moqt.conform``"""

from moqt.conform.cli import main

raise SystemExit(main())
