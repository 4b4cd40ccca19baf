//! Sealed blocks: one file each, written once.
//!
//! ```text
//! "WKBLK02\n" | length of head, u32 | checksum of head, u32 | head (msgpack) | body (zstd of msgpack)
//! ```
//! The body is the origins, and the records with the number of the origin of each. In a block of the form before it,
//! `WKBLK01`, every record has its own origin.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::attribute::texts_of;
use kernel::{Nanos, Origin};
use serde::{Deserialize, Serialize};

use super::{BlocksFailure, Kept, RECORD_BYTES_MAX, SEAL_BYTES, SERVICES_PER_BLOCK_MAX, UNSEALED_BYTES_MAX, bloom};

const MAGIC: &[u8; 8] = b"WKBLK02\n";
/// What blocks began with before origins were written once.
const MAGIC_BEFORE: &[u8; 8] = b"WKBLK01\n";
const ENDING: &str = "block";
/// The level of packing: about a gigabyte in four seconds, and eight to fifteen times smaller.
const ZSTD_LEVEL: i32 = 3;
/// The largest head that is believed.
const HEAD_BYTES_MAX: usize = 1024 * 1024;
/// The largest body that is believed, unpacked: what waits to be sealed at most, and one more piece.
const BODY_BYTES_MAX: usize = UNSEALED_BYTES_MAX + 2 * (SEAL_BYTES + RECORD_BYTES_MAX);

/// What is known of a block without unpacking it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) count: u64,
    /// When its first record happened,
    pub(super) from: Nanos,
    /// and its last.
    pub(super) until: Nanos,
    /// When the last of them had come.
    pub(super) received: Nanos,
    /// The services in it; `None` when there are too many to name.
    pub(super) services: Option<BTreeSet<String>>,
    pub(super) words: Vec<u8>,
    unpacked: u64,
    checksum: u32,
    /// The filter of keys; empty in blocks that were written before there was one, which says nothing.
    #[serde(default)]
    pub(super) keys: Vec<u8>,
    /// How long the longest of its records took; `None` in blocks that were written before this was noted.
    #[serde(default)]
    pub(super) longest: Option<Nanos>,
}

/// A block on disk.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) path: PathBuf,
    pub(super) number: u64,
    pub(super) head: Head,
    /// Where the body begins.
    body: u64,
    /// Whether it has each origin once.
    shared: bool,
    /// The file's size.
    pub(super) bytes: u64,
}

/// Writes records, which are in order of time, as a block. It is in place whole or not at all.
pub(super) fn write<T: Kept>(
    folder: &Path,
    number: u64,
    records: &[Arc<T>],
    received: Nanos,
) -> Result<Sealed, BlocksFailure> {
    let path = folder.join(format!("{number:016}.{ENDING}"));
    let failed = |cause: &dyn std::fmt::Display| BlocksFailure::new(&path, cause);
    let (origins, bare) = apart(records);
    let plain = rmp_serde::to_vec(&(&origins, &bare)).map_err(|error| failed(&error))?;
    let packed = zstd::bulk::compress(&plain, ZSTD_LEVEL).map_err(|error| failed(&error))?;
    let head =
        Head { received, unpacked: plain.len() as u64, checksum: crc32fast::hash(&packed), ..head_of(&origins, &bare) };
    let head_bytes = rmp_serde::to_vec(&head).map_err(|error| failed(&error))?;
    let length = u32::try_from(head_bytes.len()).map_err(|error| failed(&error))?;
    let sum = crc32fast::hash(&head_bytes);
    let beside = path.with_extension("new");
    let written = File::create(&beside).and_then(|mut file| {
        file.write_all(&[&MAGIC[..], &length.to_le_bytes(), &sum.to_le_bytes(), &head_bytes, &packed].concat())?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(folder)?.sync_all()
    });
    written.map_err(|error| failed(&error))?;
    let body = 16 + head_bytes.len() as u64;
    Ok(Sealed { number, head, body, shared: true, bytes: body + packed.len() as u64, path })
}

/// A record without its origin, after the number of that.
type Bare<T> = (u32, T);

/// Records apart from their origins, each of which stands there once.
fn apart<T: Kept>(records: &[Arc<T>]) -> (Vec<&Origin>, Vec<Bare<T>>) {
    let (mut origins, mut known, none) = (Vec::new(), HashMap::new(), Arc::default());
    let bare = records.iter().map(|record| {
        let place = *known.entry(Arc::as_ptr(record.origin())).or_insert_with(|| {
            origins.push(&**record.origin());
            u32::try_from(origins.len() - 1).unwrap_or(u32::MAX)
        });
        let mut bare = T::clone(record);
        *bare.origin_mut() = Arc::clone(&none);
        (place, bare)
    });
    let bare = bare.collect();
    (origins, bare)
}

/// Records with their origins; one whose origin is not there has none.
fn together<T: Kept>((origins, bare): (Vec<Arc<Origin>>, Vec<Bare<T>>)) -> Vec<Arc<T>> {
    let whole = bare.into_iter().map(|(place, mut record)| {
        if let Some(origin) = usize::try_from(place).ok().and_then(|place| origins.get(place)) {
            *record.origin_mut() = Arc::clone(origin);
        }
        Arc::new(record)
    });
    whole.collect()
}

fn head_of<T: Kept>(origins: &[&Origin], records: &[Bare<T>]) -> Head {
    let mut words = vec![0; bloom::BYTES];
    let mut each = |text: &str| bloom::words(text, &mut |word| bloom::add(&mut words, word));
    origins.iter().for_each(|origin| texts_of(&origin.resource, &mut each));
    records.iter().for_each(|(_, record)| record.texts(&mut each));
    records.iter().filter_map(|(_, record)| record.reads()).for_each(|text| each(&text));
    let services: BTreeSet<&str> = origins.iter().map(|origin| origin.service()).collect();
    let few = services.len() <= SERVICES_PER_BLOCK_MAX;
    let keyed = records.iter().filter(|(_, record)| !record.key().is_empty());
    let keys: BTreeSet<u64> = keyed.map(|(_, record)| bloom::hash(record.key())).collect();
    let times = || records.iter().map(|(_, record)| record.at());
    Head {
        count: records.len() as u64,
        from: times().min().unwrap_or(0),
        until: times().max().unwrap_or(0),
        services: few.then(|| services.into_iter().map(str::to_owned).collect()),
        words,
        keys: bloom::of_keys(&keys),
        longest: records.iter().map(|(_, record)| record.took()).max(),
        ..Head::default()
    }
}

/// Every block of a folder in order of number. What is damaged is set aside and said.
pub(super) fn all(folder: &Path) -> Result<(VecDeque<Arc<Sealed>>, Vec<BlocksFailure>), BlocksFailure> {
    let failed = |error: std::io::Error| BlocksFailure::new(folder, error);
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        match path.extension().and_then(|ending| ending.to_str()) {
            Some(ENDING) => paths.push(path),
            Some("new") => fs::remove_file(&path).map_err(failed)?,
            _ => {}
        }
    }
    paths.sort();
    let (mut blocks, mut aside) = (VecDeque::new(), Vec::new());
    for path in paths {
        match open(&path) {
            Ok(block) => blocks.push_back(Arc::new(block)),
            Err(cause) => {
                let _ = fs::rename(&path, path.with_extension("damaged"));
                aside.push(BlocksFailure::new(&path, format!("{cause}; set aside as .damaged")));
            }
        }
    }
    Ok((blocks, aside))
}

fn open(path: &Path) -> Result<Sealed, String> {
    let said = |error: std::io::Error| error.to_string();
    let number = path.file_stem().and_then(|name| name.to_str()?.parse().ok()).ok_or("its name is not a number")?;
    let mut file = File::open(path).map_err(said)?;
    let mut start = [0; 16];
    file.read_exact(&mut start).map_err(said)?;
    let [magic @ .., l0, l1, l2, l3, s0, s1, s2, s3] = start;
    let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
    let shared = magic == *MAGIC;
    if !(shared || magic == *MAGIC_BEFORE) || length > HEAD_BYTES_MAX {
        return Err("it does not begin as a block does".into());
    }
    let mut head_bytes = vec![0; length];
    file.read_exact(&mut head_bytes).map_err(said)?;
    if crc32fast::hash(&head_bytes) != u32::from_le_bytes([s0, s1, s2, s3]) {
        return Err("its head does not fit its checksum".into());
    }
    let head = rmp_serde::from_slice(&head_bytes).map_err(|error| error.to_string())?;
    let bytes = file.metadata().map_err(said)?.len();
    Ok(Sealed { path: path.to_owned(), number, head, body: 16 + length as u64, shared, bytes })
}

impl Sealed {
    /// The size of the records before packing, in bytes.
    pub(super) fn unpacked(&self) -> u64 {
        self.head.unpacked
    }

    /// The records, in order of time.
    pub(super) fn records<T: Kept>(&self) -> Result<Vec<Arc<T>>, BlocksFailure> {
        let failed = |cause: &dyn std::fmt::Display| BlocksFailure::new(&self.path, cause);
        let mut file = File::open(&self.path).map_err(|error| failed(&error))?;
        file.seek(SeekFrom::Start(self.body)).map_err(|error| failed(&error))?;
        let mut packed = Vec::new();
        file.read_to_end(&mut packed).map_err(|error| failed(&error))?;
        if crc32fast::hash(&packed) != self.head.checksum {
            return Err(failed(&"its body does not fit its checksum"));
        }
        let size = usize::try_from(self.head.unpacked).unwrap_or(usize::MAX).min(BODY_BYTES_MAX);
        let plain = zstd::bulk::decompress(&packed, size).map_err(|error| failed(&error))?;
        let read =
            if self.shared { rmp_serde::from_slice(&plain).map(together) } else { rmp_serde::from_slice(&plain) };
        read.map_err(|error| failed(&error))
    }
}

pub(super) fn remove(path: &Path) -> Result<(), BlocksFailure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(BlocksFailure::new(path, error)),
        _ => Ok(()),
    }
}

/// The bytes of a block of the form before, with the head of another.
#[cfg(test)]
pub(super) fn as_before<T: Kept>(like: &Sealed, records: &[Arc<T>]) -> Vec<u8> {
    let plain = rmp_serde::to_vec(records).unwrap();
    let packed = zstd::bulk::compress(&plain, ZSTD_LEVEL).unwrap();
    let (services, words) = (like.head.services.clone(), like.head.words.clone());
    let (unpacked, checksum) = (plain.len() as u64, crc32fast::hash(&packed));
    let Head { from, until, received, .. } = like.head;
    let head = Head { count: 1, from, until, received, services, words, unpacked, checksum, ..Head::default() };
    let head = rmp_serde::to_vec(&head).unwrap();
    let length = u32::try_from(head.len()).unwrap();
    [&MAGIC_BEFORE[..], &length.to_le_bytes(), &crc32fast::hash(&head).to_le_bytes(), &head, &packed].concat()
}
