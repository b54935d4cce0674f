//! The view of a socket's ends that a pattern gets: pipes, from which it reads and to which it writes one message at a time.

use super::{End, Ends, WireEnd, Written};
use crate::pipe::wire::{FANOUT_SHARE_FROM, SHARE_FROM};
use ferrozmq_proto::loss::{Discarded, Dropped};
use ferrozmq_proto::pattern::{Closing, Entry, PipeId, Pipes};
use ferrozmq_proto::{Frame, Message};

impl Ends {
    #[inline(always)]
    fn note(&mut self, pipe: PipeId, written: Written) {
        match written {
            Written::Queued => {}
            Written::FlushNow => self.flush_now.push(pipe),
            Written::FlushLater => self.dirty.push(pipe),
            Written::Nowhere => self.dropped(Some(pipe), Dropped::Disconnected),
        }
    }
}

impl Pipes for Ends {
    #[inline]
    fn read(&mut self, pipe: PipeId, into: &mut Message) -> bool {
        match self.slots.get_mut(pipe.0 as usize) {
            Some(Some(End::Wire(end))) => {
                self.last_read = Some(pipe);
                let got = end.read(into);
                if !got && end.ended {
                    self.finished.push(pipe);
                }
                got
            }
            Some(Some(End::Inproc(end))) => {
                let got = end.pop(into);
                if !got {
                    let list = if end.ended { &mut self.finished } else { &mut self.quiet };
                    list.push(pipe);
                }
                got
            }
            _ => false,
        }
    }

    #[inline]
    fn room(&mut self, pipe: PipeId) -> bool {
        match self.end(pipe) {
            Some(End::Wire(end)) => end.credit > 0 || end.room(),
            Some(End::Inproc(end)) => end.room() || !end.announce_stalled(),
            None => false,
        }
    }

    #[inline]
    fn write(&mut self, pipe: PipeId, message: &mut Message) {
        self.settle();
        let written = match self.slots.get_mut(pipe.0 as usize) {
            Some(Some(End::Wire(end))) => end.write(message, None, SHARE_FROM),
            Some(Some(End::Inproc(end))) => {
                if !end.push_short(message) {
                    end.push(std::mem::take(message));
                }
                Written::Queued
            }
            _ => Written::Nowhere,
        };
        self.note(pipe, written);
    }

    fn write_enveloped(&mut self, pipe: PipeId, envelope: &[Frame], message: &mut Message) {
        self.settle();
        if let Some(Some(End::Wire(end))) = self.slots.get_mut(pipe.0 as usize) {
            let written = end.write(message, Some(envelope), SHARE_FROM);
            return self.note(pipe, written);
        }
        message.put_in_envelope(envelope);
        self.write(pipe, message);
    }

    fn read_enveloped(
        &mut self,
        pipe: PipeId,
        envelope: &mut Vec<Frame>,
        into: &mut Message,
    ) -> Option<bool> {
        if let Some(Some(End::Wire(end))) = self.slots.get_mut(pipe.0 as usize) {
            let read = end.read_enveloped(envelope, into);
            if read.is_none() && end.ended {
                self.finished.push(pipe);
            }
            return read;
        }
        self.read(pipe, into).then(|| into.take_envelope(envelope))
    }

    #[inline]
    fn write_shared(&mut self, pipe: PipeId, message: &Message) {
        self.settle();
        let written = match self.slots.get_mut(pipe.0 as usize) {
            Some(Some(End::Wire(end))) => end.write(message, None, FANOUT_SHARE_FROM),
            Some(Some(End::Inproc(end))) => {
                end.push_copy(message);
                Written::Queued
            }
            _ => Written::Nowhere,
        };
        self.note(pipe, written);
    }

    #[inline]
    fn expect_write(&mut self, pipe: PipeId) {
        match self.slots.get(pipe.0 as usize) {
            Some(Some(End::Wire(end))) => end.pipe.expect_push(),
            Some(Some(End::Inproc(end))) => end.expect_push(),
            _ => {}
        }
    }

    fn origin(&mut self, pipe: PipeId) -> u64 {
        self.wire(pipe).and_then(|end| end.peer.as_ref()).map_or(0, |peer| peer.connection)
    }

    fn subscribe(&mut self, pipe: PipeId, topic: &[u8], wanted: bool) {
        let version = self.subscriptions.as_ref().map_or(u64::MAX, |log| log.lock().version());
        match self.end(pipe) {
            Some(End::Inproc(end)) => end.subscribe(topic, wanted),
            Some(End::Wire(end)) => end.pipe.subscribe(bytes::Bytes::copy_from_slice(topic), wanted, version),
            None => {}
        }
    }

    fn upstream(&mut self, topic: &[u8], wanted: bool) {
        if let Some(log) = &self.subscriptions {
            log.lock().change(topic, wanted);
        }
    }

    fn conflates(&mut self, pipe: PipeId) -> bool {
        match self.end(pipe) {
            Some(End::Wire(end)) => end.conflate,
            Some(End::Inproc(end)) => end.conflates(),
            None => false,
        }
    }

    fn close(&mut self, pipe: PipeId, why: Closing) {
        let fault = why.fault();
        match self.end(pipe) {
            Some(End::Wire(WireEnd { hung_up: true, .. })) | None => return,
            Some(End::Wire(end)) => {
                end.hung_up = true;
                end.pipe.hang_up(fault);
            }
            Some(End::Inproc(_)) => self.finished.push(pipe),
        }
        self.books.peers_refused += u64::from(fault.is_some());
    }

    fn dropped(&mut self, pipe: Option<PipeId>, why: Dropped) {
        self.books.dropped.note(why, 1);
        if let Some((drops, _)) = pipe.and_then(|pipe| self.losses.get_mut(pipe.0 as usize)) {
            drops.note(why, 1);
        }
    }

    fn discarded(&mut self, pipe: Option<PipeId>, why: Discarded) {
        self.books.discarded.note(why, 1);
        if let Some((_, discards)) = pipe.and_then(|pipe| self.losses.get_mut(pipe.0 as usize)) {
            discards.note(why, 1);
        }
    }

    fn tally(&mut self, entry: Entry, count: usize) {
        let counter = match entry {
            Entry::Added => &mut self.books.added,
            Entry::Command => &mut self.books.commands,
            Entry::Notice => &mut self.books.noticed,
            Entry::Consumed => &mut self.books.consumed,
            // A new kind would be missing in the sums, which the tests of the books see.
            _ => return,
        };
        *counter += count as u64;
    }
}
