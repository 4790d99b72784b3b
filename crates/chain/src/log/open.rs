//! Opening a log: find its segments, believe only what is whole, cut what was never acknowledged.

use std::sync::Arc;

use super::{
    LogError, Recovery,
    frame::{SEGMENT_HEADER_BYTES, SegmentHeader},
    segment::{
        Index, Places, Segment, blocks_name, fault_error, index_name, io_error, later_frame,
        parse_blocks_name, read_header, scan,
    },
    tip::{self, Tip},
};
use crate::disk::{Disk, DiskFile};

/// What opening found: the segments, and the file of the last one.
pub(super) struct Opened {
    pub(super) segments: Vec<Segment>,
    pub(super) active: Option<Arc<dyn DiskFile>>,
    pub(super) recovery: Recovery,
}

pub(super) fn open(disk: &dyn Disk) -> Result<Opened, LogError> {
    let tip = tip::read(disk).map_err(io_error(disk, tip::NAME, "read it"))?;
    let names = disk.list().map_err(io_error(disk, "", "list the folder"))?;
    let mut firsts: Vec<u64> = names
        .iter()
        .filter_map(|name| parse_blocks_name(name))
        .collect();
    firsts.sort_unstable();
    let mut found = Opened {
        segments: Vec::new(),
        active: None,
        recovery: Recovery::default(),
    };

    drop_unborn(disk, &mut firsts)?;
    let last = firsts.last().copied();
    for &first_height in &firsts {
        if let Some(previous) = found.segments.last()
            && previous.next_height() != first_height
        {
            return Err(LogError::Gap {
                expected: previous.next_height(),
                file: disk.label(&blocks_name(first_height)),
            });
        }
        let name = blocks_name(first_height);
        let file = disk.open(&name).map_err(io_error(disk, &name, "open it"))?;
        let segment = if Some(first_height) == last {
            let segment = open_last(disk, &*file, first_height, tip, &mut found.recovery)?;
            found.active = Some(file);
            segment
        } else {
            open_sealed(disk, &*file, first_height, &mut found.recovery)?
        };
        found.segments.push(segment);
    }
    check_tip(disk, &found.segments, tip)?;
    Ok(found)
}

/// Removes a last segment whose creation was cut short: it has no block yet.
fn drop_unborn(disk: &dyn Disk, firsts: &mut Vec<u64>) -> Result<(), LogError> {
    let Some(&last) = firsts.last() else {
        return Ok(());
    };
    let name = blocks_name(last);
    let file = disk.open(&name).map_err(io_error(disk, &name, "open it"))?;
    if read_header(disk, &*file, last)?.is_none() {
        disk.remove(&name)
            .map_err(io_error(disk, &name, "remove it"))?;
        disk.sync_names()
            .map_err(io_error(disk, &name, "sync its removal"))?;
        firsts.pop();
    }
    Ok(())
}

fn header_of(
    disk: &dyn Disk,
    file: &dyn DiskFile,
    first_height: u64,
) -> Result<SegmentHeader, LogError> {
    read_header(disk, file, first_height)?.ok_or_else(|| LogError::Damaged {
        file: disk.label(&blocks_name(first_height)),
        offset: 0,
        height: first_height,
        reason: "its header is missing".to_owned(),
    })
}

fn open_sealed(
    disk: &dyn Disk,
    file: &dyn DiskFile,
    first_height: u64,
    recovery: &mut Recovery,
) -> Result<Segment, LogError> {
    let name = blocks_name(first_height);
    let header = header_of(disk, file, first_height)?;
    let bytes = file
        .len()
        .map_err(io_error(disk, &name, "find its length"))?;
    if let Ok(index) = Index::open(disk, first_height)
        && index.segment_bytes == bytes
    {
        let places = Places::Sealed { count: index.count };
        return Ok(Segment {
            first_height,
            salt: header.salt,
            bytes,
            places,
        });
    }
    let found = scan(disk, file, header)?;
    if let Some(fault) = &found.fault {
        let height = first_height + found.places.len() as u64;
        return Err(fault_error(disk, &name, found.end, height, fault));
    }
    Index::write(disk, first_height, bytes, &found.places)?;
    recovery
        .reindexed
        .push(disk.label(&index_name(first_height)));
    let places = Places::Sealed {
        count: found.places.len() as u64,
    };
    Ok(Segment {
        first_height,
        salt: header.salt,
        bytes,
        places,
    })
}

fn open_last(
    disk: &dyn Disk,
    file: &dyn DiskFile,
    first_height: u64,
    tip: Option<Tip>,
    recovery: &mut Recovery,
) -> Result<Segment, LogError> {
    let name = blocks_name(first_height);
    let header = header_of(disk, file, first_height)?;
    let found = scan(disk, file, header)?;
    let height = first_height + found.places.len() as u64;
    if let Some(fault) = &found.fault {
        let acknowledged = tip.is_some_and(|tip| {
            tip.segment == first_height && tip.bytes > found.end && tip.height >= height
        });
        // A file that merely ends too early is reported as such by the check of the tip.
        let len = file
            .len()
            .map_err(io_error(disk, &name, "find its length"))?;
        let whole = tip.is_some_and(|tip| len >= tip.bytes);
        if (acknowledged && whole) || later_frame(disk, file, header, found.end, height)?.is_some()
        {
            return Err(fault_error(disk, &name, found.end, height, fault));
        }
        if !acknowledged {
            recovery.cut_bytes = len - found.end;
            file.set_len(found.end)
                .map_err(io_error(disk, &name, "cut an unfinished block"))?;
        }
    }
    // Frames that outlived the process in the operating system's memory become durable here.
    file.sync().map_err(io_error(disk, &name, "sync it"))?;
    let places = Places::Open(found.places);
    Ok(Segment {
        first_height,
        salt: header.salt,
        bytes: found.end,
        places,
    })
}

/// Refuses a log that has lost blocks which had been saved.
fn check_tip(disk: &dyn Disk, segments: &[Segment], tip: Option<Tip>) -> Result<(), LogError> {
    let Some(tip) = tip else { return Ok(()) };
    let (segment, end, next_height) = segments
        .last()
        .map_or((0, SEGMENT_HEADER_BYTES as u64, 0), |last| {
            (last.first_height, last.bytes, last.next_height())
        });
    let lost = next_height <= tip.height || (segment == tip.segment && end < tip.bytes);
    if lost {
        return Err(LogError::Short {
            file: disk.label(&blocks_name(segment)),
            end,
            saved: tip.bytes,
            height: tip.height,
            tip: disk.label(tip::NAME),
        });
    }
    Ok(())
}
