//! Segments of shared memory (System V) outlive the processes that made them: a server that is killed cannot remove its
//! own. Needs Linux's `/proc` and `ipcrm` of util-linux.

use std::fs;
use std::process::{Command, Stdio};

/// A line of `/proc/sysvipc/shm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    number: u32,
    /// The process that made it.
    maker: u32,
    /// Processes that use it.
    attached: u32,
}

/// Removes the segments that these processes made, once they are dead; says whether one is still in use.
pub(super) fn remove(makers: &[u32]) -> bool {
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let made = segments(&table).filter(|segment| makers.contains(&segment.maker));
    let mut used = false;
    for segment in made {
        if segment.attached > 0 {
            used = true;
            continue;
        }
        let mut command = Command::new("ipcrm");
        command.args(["-m", &segment.number.to_string()]).stdin(Stdio::null());
        // One that is gone already, or is another user's, stays as it is.
        let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
    used
}

/// The first line names the columns.
fn segments(table: &str) -> impl Iterator<Item = Segment> {
    table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let field = |place: usize| fields.get(place)?.parse().ok();
        Some(Segment { number: field(1)?, maker: field(4)?, attached: field(6)? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_known_by_its_maker_and_its_users() {
        let table = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid\n\
                     10518498     196608   600                    56 16940 17681     10   101   104   101   104\n\
                     10347218      65545   600                    56  9801  9825      0   101   104   101   104\n";
        let one = Segment { number: 196_608, maker: 16940, attached: 10 };
        let other = Segment { number: 65_545, maker: 9801, attached: 0 };
        assert!(segments(table).eq([one, other]));
    }

    #[test]
    fn what_a_dead_process_made_is_removed() {
        let mine = |maker| {
            let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
            segments(&table).any(|segment| segment.maker == maker)
        };
        let Ok(mut maker) = Command::new("ipcmk").args(["-M", "64"]).stdout(Stdio::null()).spawn() else {
            return;
        };
        maker.wait().unwrap();
        assert!(mine(maker.id()), "it outlives its maker");
        assert!(!remove(&[maker.id()]));
        assert!(!mine(maker.id()));
    }
}
