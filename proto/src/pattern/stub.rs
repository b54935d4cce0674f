use super::*;
use crate::{Frame, SocketType};
use bytes::Bytes;
pub struct Pattern { kind: SocketType, pipes: Vec<PipeId>, at: usize, readable: Vec<PipeId> }
#[derive(Clone, Default)] pub struct PatternOptions { pub router_mandatory: bool, pub router_handover: bool, pub router_raw: bool, pub router_notify: crate::option::RouterNotify, pub probe_router: bool, pub req_correlate: bool, pub req_relaxed: bool, pub xpub_verbose: bool, pub xpub_verboser: bool, pub xpub_nodrop: bool, pub xpub_manual: bool, pub xpub_manual_last_value: bool, pub xpub_welcome_msg: Option<Bytes>, pub invert_matching: bool, pub only_first_subscribe: bool, pub xsub_verbose_unsubscribe: bool, pub stream_notify: bool, pub hello_msg: Option<Bytes>, pub disconnect_msg: Option<Bytes>, pub hiccup_msg: Option<Bytes> }
#[derive(Clone, Debug, Default)] pub struct Attach { pub routing_id: Option<Bytes>, pub local: bool }
pub enum Attached { Accepted, Refused(&'static str) }
#[derive(Clone, Copy, Debug, PartialEq, Eq)] pub enum Refusal { WouldBlock, Unroutable, WrongState(&'static str), NotSupported, Invalid(&'static str) }
pub struct Refused { pub message: Message, pub why: Refusal }
impl Pattern {
  pub fn new(kind: SocketType, _o: PatternOptions, _s: u64) -> Pattern { Pattern { kind, pipes: vec![], at: 0, readable: vec![] } }
  pub fn configure(&mut self, _: &PatternOptions) {}
  pub fn attach<P: Pipes>(&mut self, _p: &mut P, pipe: PipeId, _h: Attach) -> Attached { self.pipes.push(pipe); self.readable.push(pipe); Attached::Accepted }
  pub fn identify<P: Pipes>(&mut self, _p: &mut P, _pipe: PipeId, _r: &[u8]) -> Attached { Attached::Accepted }
  pub fn readable(&mut self, pipe: PipeId) { if !self.readable.contains(&pipe) { self.readable.push(pipe) } }
  pub fn writable(&mut self, _pipe: PipeId) {}
  pub fn detach_out<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) { self.pipes.retain(|p| *p != pipe) }
  pub fn detach<P: Pipes>(&mut self, _: &mut P, pipe: PipeId) { self.readable.retain(|p| *p != pipe) }
  pub fn reconnecting<P: Pipes>(&mut self, _: &mut P, _pipe: PipeId) {}
  pub fn subscription<P: Pipes>(&mut self, _: &mut P, _: PipeId, _: &[u8], _: bool) {}
  pub fn subscribe<P: Pipes>(&mut self, _: &mut P, _: &[u8]) -> Result<(), Refusal> { Ok(()) }
  pub fn unsubscribe<P: Pipes>(&mut self, _: &mut P, _: &[u8]) -> Result<(), Refusal> { Ok(()) }
  #[inline] pub fn send<P: Pipes>(&mut self, p: &mut P, m: Message) -> Result<(), Refused> {
    for _ in 0..self.pipes.len() { if self.at >= self.pipes.len() { self.at = 0 } let id = self.pipes[self.at]; self.at += 1; if p.room(id) { p.write(id, m); return Ok(()) } }
    Err(Refused { message: m, why: Refusal::WouldBlock }) }
  pub fn may_start_send<P: Pipes>(&mut self, _: &mut P, _: &Frame) -> Result<(), Refusal> { Ok(()) }
  pub fn send_committed<P: Pipes>(&mut self, p: &mut P, m: Message) -> Result<(), Refused> { self.send(p, m) }
  #[inline] pub fn recv<P: Pipes>(&mut self, p: &mut P) -> Result<Message, Refusal> {
    while let Some(id) = self.readable.last().copied() { if let Some(m) = p.read(id) { return Ok(m) } self.readable.pop(); } Err(Refusal::WouldBlock) }
  pub fn can_recv<P: Pipes>(&mut self, _: &mut P) -> bool { false }
  pub fn can_send<P: Pipes>(&mut self, _: &mut P) -> bool { true }
  pub fn topics_count(&self) -> usize { 0 }
  pub fn wants_input(&self) -> bool { !matches!(self.kind, SocketType::Push | SocketType::Pub) }
}
