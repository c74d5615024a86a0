"""The applications: each module has NAME, what it NEEDS of .work/apps, and run(report, kind)."""
