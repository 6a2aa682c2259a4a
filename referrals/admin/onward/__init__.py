"""What goes out: sendings, versions, runs, jobs, downloads, and where the data has gone."""

from referrals.admin.onward import jobs, retrying, runs

__all__ = ["jobs", "retrying", "runs"]
