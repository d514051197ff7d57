//! An outcome for people.

use std::fmt::Write as _;

use crate::outcome::{Outcome, Turnaround};

impl Outcome {
    /// As text.
    pub fn to_text(&self) -> String {
        let mut s = format!(
            "{}: {} jobs, {} clips, {} units, {} frames, {:.1} TB of camera files\n",
            self.scenario,
            self.jobs,
            self.clips,
            self.units,
            self.frames,
            self.camera_bytes / 1e12
        );
        let _ = writeln!(s, "the last unit ends after {}", time(self.end_hours * 3600.0));
        let _ = writeln!(
            s,
            "\n{:<24} {:>8} {:>7} {:>9} {:>9} {:>9} {:>9}",
            "clips, from asking to done", "done", "failed", "p50", "p90", "p99", "max"
        );
        for t in self.by_arrivals.iter().chain(&self.by_priority).chain(&self.by_show) {
            let Turnaround { of, done, failed, p50, p90, p99, max } = t;
            let [p50, p90, p99, max] = [p50, p90, p99, max].map(|t| time(*t));
            let _ = writeln!(s, "{of:<26} {done:>8} {failed:>7} {p50:>9} {p90:>9} {p99:>9} {max:>9}");
        }
        for w in &self.workers {
            let _ = writeln!(
                s,
                "\nworkers `{}`: at most {}, {:.1} worker hours, {:.1} core hours used ({:.0} % of the cores, {:.0} % of the slots), \
                 cost {:.2}; at most {} units waited",
                w.class,
                w.most_workers,
                w.worker_hours,
                w.core_hours,
                w.cores_used * 100.0,
                w.slots_used * 100.0,
                w.cost,
                w.most_waiting
            );
            let limits = w.limited.named().into_iter().map(|(what, hours)| format!("{what} {}", time(hours * 3600.0)));
            let _ = writeln!(s, "  limited by: {}", limits.collect::<Vec<_>>().join(", "));
        }
        let m = &self.storage;
        let _ = writeln!(
            s,
            "\nstorage: {:.1} TB read, {:.1} TB written; without its limits {:.2} GB/s would have been read at most, {:.2} GB/s written",
            m.read_tb, m.written_tb, m.most_read_gb_s, m.most_written_gb_s
        );
        let e = &self.engine;
        let _ = writeln!(
            s,
            "server: at most {:.0} of {:.0} requests/s and {:.0} units/s, {:.2} core hours, {:.3} GB of history",
            e.most_requests_per_second,
            e.limit_requests_per_second,
            e.most_units_per_second,
            e.core_hours,
            e.history_gb
        );
        let _ = writeln!(
            s,
            "  of a job at most {} units wait or run, of a clip {} (limit {}); a clip's history has {:.0} events, a job's {:.0} \
             (begins anew at {})",
            e.most_of_a_job,
            e.most_of_a_run,
            e.limit_of_a_run,
            e.most_events_of_a_clip,
            e.most_events_of_a_job,
            e.limit_events
        );
        let _ = writeln!(
            s,
            "units: {} made, {} given up; {} attempts, {} lost with their worker, {:.2} core hours for nothing",
            self.units_done, self.units_failed, self.begun, self.lost, self.wasted_core_hours
        );
        s
    }

    /// The same scenario with several numbers of workers, as a table.
    pub fn compared(runs: &[(usize, Self)]) -> String {
        let Some((_, first)) = runs.first() else { return String::new() };
        let mut s = format!(
            "{}: {} jobs, {} clips, {} units, {:.1} TB of camera files\n",
            first.scenario,
            first.jobs,
            first.clips,
            first.units,
            first.camera_bytes / 1e12
        );
        for (i, of) in first.by_arrivals.iter().enumerate() {
            let _ = writeln!(s, "\n{:<30} {:>9} {:>9} {:>9} {:>9} {:>8}", of.of, "p50", "p90", "p99", "max", "failed");
            for (n, outcome) in runs {
                let Some(t) = outcome.by_arrivals.get(i) else { continue };
                let [p50, p90, p99, max] = [t.p50, t.p90, t.p99, t.max].map(time);
                let _ =
                    writeln!(s, "{:<30} {p50:>9} {p90:>9} {p99:>9} {max:>9} {:>8}", format!("  {n} workers"), t.failed);
            }
        }
        let _ = writeln!(
            s,
            "\n{:<30} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "what they do", "cost", "cores", "workers", "storage", "server", "front", "requests"
        );
        for (n, outcome) in runs {
            let Some(w) = outcome.workers.first() else { continue };
            let [workers, storage, server, front] =
                [w.limited.workers, w.limited.storage + w.limited.links, w.limited.server, w.limited.front]
                    .map(|h| time(h * 3600.0));
            let _ = writeln!(
                s,
                "{:<30} {:>9.2} {:>7.0} % {workers:>9} {storage:>9} {server:>9} {front:>9} {:>7.0}/s",
                format!("  {n} workers"),
                outcome.cost,
                w.cores_used * 100.0,
                outcome.engine.most_requests_per_second
            );
        }
        s.push_str(
            "\ncores: the part that was used; then the time in which more of what stands above would have helped\n\
             (storage: the links of hosts included)\n",
        );
        s
    }
}

/// Seconds as people say them.
pub(crate) fn time(seconds: f64) -> String {
    match seconds {
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3600.0 => format!("{:.1} min", s / 60.0),
        s if s < 48.0 * 3600.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} d", s / 86400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_a_unit_that_suits_them() {
        assert_eq!([12.34, 90.0, 5400.0, 200_000.0].map(time), ["12.3 s", "1.5 min", "1.5 h", "2.3 d"]);
    }
}
