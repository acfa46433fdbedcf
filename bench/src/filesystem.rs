//! The filesystem of a folder, from the mount table: its kind and its device.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Filesystems that keep files in memory.
const IN_MEMORY: [&str; 2] = ["tmpfs", "ramfs"];

/// A mounted filesystem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filesystem {
    /// The device, or the name used in its place.
    pub(crate) device: String,
    /// `ext4`, `xfs`, `tmpfs`, …
    pub(crate) kind: String,
}

impl Filesystem {
    /// Returns the filesystem that holds an existing folder.
    pub(crate) fn of(folder: &Path) -> Result<Self> {
        let folder = folder
            .canonicalize()
            .map_err(Error::system(format!("find the folder {}", folder.display())))?;
        let mounts = std::fs::read_to_string("/proc/self/mounts")
            .map_err(Error::system("read the table of mounts, /proc/self/mounts"))?;
        Self::among(&mounts, &folder)
            .ok_or_else(|| Error::Usage(format!("no mounted file system holds {}", folder.display())))
    }

    /// Returns the mount with the longest path above the folder; of two at the same path, the later, which hides the
    /// other.
    fn among(mounts: &str, folder: &Path) -> Option<Self> {
        let mut found: Option<(usize, Self)> = None;
        for line in mounts.lines() {
            let mut fields = line.split(' ');
            let (Some(device), Some(place), Some(kind)) = (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            let place = PathBuf::from(unescaped(place));
            let depth = place.components().count();
            if folder.starts_with(&place) && found.as_ref().is_none_or(|(deepest, _)| depth >= *deepest) {
                found = Some((
                    depth,
                    Self {
                        device: unescaped(device),
                        kind: kind.to_owned(),
                    },
                ));
            }
        }
        found.map(|(_, filesystem)| filesystem)
    }

    /// Whether files are lost on a power failure even if they are synced.
    pub(crate) fn is_memory(&self) -> bool {
        IN_MEMORY.contains(&self.kind.as_str())
    }
}

/// Unescapes `\040` and the like, which the mount table uses for blanks and backslashes.
fn unescaped(field: &str) -> String {
    field
        .replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
/dev/vda / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
tmpfs /tmp tmpfs rw 0 0
/dev/vdb /mnt/with\\040blank xfs rw 0 0
/dev/vdc /tmp/disk xfs rw 0 0
tmpfs /tmp/disk tmpfs rw 0 0
";

    fn kind(folder: &str) -> String {
        Filesystem::among(MOUNTS, Path::new(folder)).unwrap().kind
    }

    #[test]
    fn the_deepest_mount_above_a_folder_holds_it() {
        assert_eq!(kind("/home/me"), "ext4");
        assert_eq!(kind("/tmp/x"), "tmpfs");
        assert_eq!(kind("/mnt/with blank/x"), "xfs");
    }

    #[test]
    fn a_name_that_only_begins_alike_is_not_above() {
        assert_eq!(kind("/tmpdata"), "ext4");
    }

    #[test]
    fn a_later_mount_at_the_same_place_hides_the_earlier() {
        assert_eq!(kind("/tmp/disk/x"), "tmpfs");
    }

    #[test]
    fn memory_is_told_from_disks() {
        assert!(Filesystem::among(MOUNTS, Path::new("/tmp")).unwrap().is_memory());
        assert!(!Filesystem::among(MOUNTS, Path::new("/")).unwrap().is_memory());
        assert_eq!(Filesystem::among("", Path::new("/")), None);
    }
}
