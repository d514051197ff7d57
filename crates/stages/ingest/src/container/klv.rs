//! Key, length, value: the sets of an MXF header partition (SMPTE ST 377-1).

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{Read, Result, Seek};

use crate::input::{Input, be_u16, be_u32};

/// A partition pack's key up to the byte that tells its kind (ST 377-1, table 5).
const PARTITION: [u8; 13] = [0x06, 0x0e, 0x2b, 0x34, 0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01];

/// Where a partition pack may begin at the latest (ST 377-1, 6.5: run-in).
const RUN_IN: usize = 64 << 10;

/// Sets and fill read at most; the headers of the largest files have a few thousand.
const MAX_ITEMS: usize = 50_000;

/// Items looked at before a file is given up. A few thousand answer every question about a real
/// one; references that lead in circles or many times to one place would never end.
const MAX_LOOKS: u64 = 4_000_000;

/// One metadata set.
#[derive(Debug, Clone, Default)]
pub(super) struct Set {
    /// The 15th byte of its key (ST 377-1, table 16): 0x36 is the material package.
    pub(super) kind: u8,
    items: Vec<(u16, Vec<u8>)>,
}

/// The header metadata of a file.
#[derive(Debug, Default)]
pub(super) struct Sets {
    /// By their InstanceUID.
    pub(super) by_id: HashMap<[u8; 16], Set>,
    /// The InstanceUIDs in the order of the file.
    pub(super) order: Vec<[u8; 16]>,
    primer: HashMap<u16, [u8; 16]>,
    /// Essence containers named by the partition pack.
    pub(super) containers: Vec<[u8; 16]>,
    /// The file ended inside the header metadata.
    pub(super) cut: bool,
    /// Items looked at so far.
    spent: Cell<u64>,
}

/// An item of a set: its static local tag, and its UL's last eight bytes for files that give it
/// a tag of their own in the primer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item(pub(super) u16, pub(super) [u8; 8]);

impl Sets {
    /// Reads the header partition; `None` when there is no partition pack in the run-in.
    pub(super) fn read<R: Read + Seek>(input: &mut Input<R>) -> Result<Option<Self>> {
        let Some(start) = find(input)? else { return Ok(None) };
        let mut sets = Self::default();
        let mut at = start;
        for n in 0..MAX_ITEMS {
            let Some((key, length, value)) = head(input, at)? else {
                sets.cut = true;
                break;
            };
            let end = value.saturating_add(length);
            if key[..13] == PARTITION && matches!(key[13], 2..=4) {
                if n > 0 {
                    break;
                }
                sets.containers = containers(input, value)?;
            } else if key[..13] == PARTITION && key[13] == 5 {
                sets.primer(&input.bytes(value, length)?.unwrap_or_default());
            } else if key[..4] == PARTITION[..4] && key[4] == 2 && key[5] == 0x53 && key[8..14] == [13, 1, 1, 1, 1, 1] {
                match input.bytes(value, length)? {
                    Some(body) => sets.add(key[14], &body),
                    None => sets.cut |= end > input.len(),
                }
            } else if essence(&key) {
                break;
            }
            // Fill, index tables and descriptive sets are passed over.
            if end >= input.len() {
                sets.cut |= end > input.len();
                break;
            }
            at = end;
        }
        Ok(Some(sets))
    }

    fn primer(&mut self, body: &[u8]) {
        for e in body.get(8..).unwrap_or(&[]).chunks_exact(18) {
            if let Ok(ul) = e[2..].try_into() {
                self.primer.insert(u16::from_be_bytes([e[0], e[1]]), ul);
            }
        }
    }

    fn add(&mut self, kind: u8, body: &[u8]) {
        let mut set = Set { kind, items: Vec::new() };
        let mut at = 0;
        while let (Some(tag), Some(length)) = (be_u16(body, at), be_u16(body, at + 2)) {
            let from = at + 4;
            let to = from + usize::from(length);
            let Some(value) = body.get(from..to) else { break };
            set.items.push((tag, value.to_vec()));
            at = to;
        }
        let id = set.items.iter().find(|i| i.0 == 0x3c0a).and_then(|i| <[u8; 16]>::try_from(i.1.as_slice()).ok());
        if let Some(id) = id
            && self.by_id.insert(id, set).is_none()
        {
            self.order.push(id);
        }
    }

    /// The bytes of an item.
    pub(super) fn get<'a>(&self, set: &'a Set, item: Item) -> Option<&'a [u8]> {
        self.spent.set(self.spent.get() + set.items.len() as u64 + 1);
        if self.spent.get() > MAX_LOOKS {
            return None;
        }
        let named = |tag: u16| self.primer.get(&tag).is_some_and(|ul| ul[8..] == item.1);
        set.items.iter().find(|(t, _)| *t == item.0 || (*t >= 0x8000 && named(*t))).map(|(_, v)| v.as_slice())
    }

    /// The set an item refers to.
    pub(super) fn follow(&self, set: &Set, tag: u16) -> Option<&Set> {
        let id: [u8; 16] = self.get(set, Item(tag, [0; 8]))?.try_into().ok()?;
        self.by_id.get(&id)
    }

    /// The sets a batch of references names, in order.
    pub(super) fn batch<'a>(&'a self, set: &Set, tag: u16) -> Vec<&'a Set> {
        let Some(body) = self.get(set, Item(tag, [0; 8])) else { return Vec::new() };
        let ids = body.get(8..).unwrap_or(&[]).chunks_exact(16);
        self.spent.set(self.spent.get() + ids.len() as u64);
        ids.filter_map(|id| self.by_id.get(&<[u8; 16]>::try_from(id).ok()?)).collect()
    }

    /// All sets of a kind, in the order of the file.
    pub(super) fn of(&self, kind: u8) -> impl Iterator<Item = &Set> {
        self.order.iter().filter_map(|id| self.by_id.get(id)).filter(move |s| s.kind == kind)
    }

    /// A UTF-16 text.
    pub(super) fn text(&self, set: &Set, tag: u16) -> Option<String> {
        let body = self.get(set, Item(tag, [0; 8]))?;
        let units: Vec<u16> = body.chunks_exact(2).map(|c| u16::from_be_bytes([c[0], c[1]])).collect();
        super::printable(&String::from_utf16_lossy(&units))
    }
}

/// Where the header partition pack begins.
fn find<R: Read + Seek>(input: &mut Input<R>) -> Result<Option<u64>> {
    let head = input.upto(0, PARTITION.len())?;
    if head == PARTITION {
        return Ok(Some(0));
    }
    let head = input.upto(0, RUN_IN + 16)?;
    Ok(head.windows(PARTITION.len()).position(|w| w == PARTITION).map(|p| p as u64))
}

/// Key, length of the value, and where the value begins (ST 336, BER lengths of up to 8 bytes).
fn head<R: Read + Seek>(input: &mut Input<R>, at: u64) -> Result<Option<([u8; 16], u64, u64)>> {
    let b = input.upto(at, 25)?;
    let (Some(key), Some(&first)) = (b.get(..16), b.get(16)) else { return Ok(None) };
    let Ok(key) = <[u8; 16]>::try_from(key) else { return Ok(None) };
    if key[..4] != PARTITION[..4] {
        return Ok(None);
    }
    if first < 128 {
        return Ok(Some((key, u64::from(first), at + 17)));
    }
    let n = usize::from(first & 127);
    let Some(bytes) = b.get(17..17 + n).filter(|_| (1..=8).contains(&n)) else { return Ok(None) };
    let length = bytes.iter().fold(0u64, |v, &b| v << 8 | u64::from(b));
    Ok(Some((key, length, at + 17 + n as u64)))
}

/// The labels in the partition pack, which stand after 88 bytes (ST 377-1, table 4).
fn containers<R: Read + Seek>(input: &mut Input<R>, value: u64) -> Result<Vec<[u8; 16]>> {
    let body = input.upto(value, 88 + 16 * 32)?;
    let count = be_u32(body, 80).unwrap_or(0) as usize;
    Ok(body.get(88..).unwrap_or(&[]).chunks_exact(16).take(count).filter_map(|c| c.try_into().ok()).collect())
}

/// Generic container elements and system items (ST 379-2).
fn essence(key: &[u8; 16]) -> bool {
    key[8..11] == [13, 1, 3]
}
