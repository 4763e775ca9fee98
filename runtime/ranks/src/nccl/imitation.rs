//! An emulation of NCCL and of CUDA's driver for tests: ranks are threads, and GPU memory is host memory.

use super::calls::{Address, Comm, Driver, Id, NOT_READY, Nccl};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};

/// The route of a message: communicator, sender, receiver.
type Way = (u64, usize, usize);

static MAIL: Mutex<Option<HashMap<Way, VecDeque<Vec<u8>>>>> = Mutex::new(None);
static ARRIVED: Condvar = Condvar::new();
static NEXT: AtomicU64 = AtomicU64::new(1);
static ALLOCATED: AtomicI64 = AtomicI64::new(0);

thread_local! {
    /// The work of a group, which starts when the group ends.
    static GROUP: RefCell<Vec<Queued>> = const { RefCell::new(Vec::new()) };
    static IN_GROUP: Cell<bool> = const { Cell::new(false) };
    /// The number of times that the stream is still reported as busy.
    static BUSY: Cell<u32> = const { Cell::new(0) };
}

struct Rank {
    number: u64,
    rank: usize,
    size: usize,
}

enum Queued {
    Send(Way, Vec<u8>),
    Receive(Way, Address, usize),
}

/// An id for a communicator with this number of ranks.
pub fn id(size: usize) -> Id {
    let mut id = Id([0; 128]);
    id.0[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::SeqCst).to_le_bytes());
    id.0[8] = size as u8;
    id
}

/// The number of GPU buffers that finished engines have not freed.
pub fn allocated() -> i64 {
    ALLOCATED.load(Ordering::SeqCst)
}

fn post(way: Way, bytes: Vec<u8>) {
    MAIL.lock().unwrap().get_or_insert_default().entry(way).or_default().push_back(bytes);
    ARRIVED.notify_all();
}

fn fetch(way: Way) -> Vec<u8> {
    let mut mail = MAIL.lock().unwrap();
    loop {
        if let Some(bytes) = mail.get_or_insert_default().entry(way).or_default().pop_front() {
            return bytes;
        }
        mail = ARRIVED.wait(mail).unwrap();
    }
}

/// The memory at an address from `alloc`.
fn at<'a>(address: Address, length: usize) -> &'a mut [u8] {
    // SAFETY: tests pass only addresses from `alloc`, with lengths within them.
    unsafe { std::slice::from_raw_parts_mut(address as *mut u8, length) }
}

fn of<'a>(comm: Comm) -> &'a Rank {
    // SAFETY: `init` has created the communicator.
    unsafe { &*comm.cast::<Rank>() }
}

fn queue(work: Queued) -> c_int {
    BUSY.set(2);
    match (work, IN_GROUP.get()) {
        (work, true) => GROUP.with_borrow_mut(|group| group.push(work)),
        (Queued::Send(way, bytes), false) => post(way, bytes),
        (Queued::Receive(way, to, length), false) => at(to, length).copy_from_slice(&fetch(way)),
    }
    0
}

extern "C" fn version(number: *mut c_int) -> c_int {
    // SAFETY: the caller's integer.
    unsafe { *number = 22_703 };
    0
}

extern "C" fn unique_id(to: *mut Id) -> c_int {
    // SAFETY: the caller's id.
    unsafe { *to = id(0) };
    0
}

extern "C" fn init(comm: *mut Comm, size: c_int, id: Id, rank: c_int) -> c_int {
    let number = u64::from_le_bytes(*id.0.first_chunk().unwrap());
    let own = Box::new(Rank { number, rank: rank as usize, size: size as usize });
    // SAFETY: the caller's pointer.
    unsafe { *comm = Box::into_raw(own).cast() };
    0
}

extern "C" fn destroy(comm: Comm) -> c_int {
    // SAFETY: `init` has created it, and nothing uses it any more.
    drop(unsafe { Box::from_raw(comm.cast::<Rank>()) });
    0
}

extern "C" fn state(_: Comm, code: *mut c_int) -> c_int {
    // SAFETY: the caller's integer.
    unsafe { *code = 0 };
    0
}

extern "C" fn error(_: c_int) -> *const c_char {
    c"internal error".as_ptr()
}

extern "C" fn send(from: Address, length: usize, _: c_int, to: c_int, comm: Comm, _: *mut c_void) -> c_int {
    let rank = of(comm);
    queue(Queued::Send((rank.number, rank.rank, to as usize), at(from, length).to_vec()))
}

extern "C" fn recv(to: Address, length: usize, _: c_int, from: c_int, comm: Comm, _: *mut c_void) -> c_int {
    let rank = of(comm);
    queue(Queued::Receive((rank.number, from as usize, rank.rank), to, length))
}

extern "C" fn group_start() -> c_int {
    IN_GROUP.set(true);
    0
}

extern "C" fn group_end() -> c_int {
    IN_GROUP.set(false);
    let group = GROUP.take();
    let (sends, receives): (Vec<_>, Vec<_>) = group.into_iter().partition(|work| matches!(work, Queued::Send(..)));
    sends.into_iter().chain(receives).for_each(|work| {
        queue(work);
    });
    0
}

extern "C" fn all_gather(from: Address, to: Address, length: usize, _: c_int, comm: Comm, _: *mut c_void) -> c_int {
    let rank = of(comm);
    (0..rank.size).for_each(|other| post((rank.number, rank.rank, other), at(from, length).to_vec()));
    let parts = at(to, length * rank.size).chunks_mut(length);
    parts.enumerate().for_each(|(other, part)| part.copy_from_slice(&fetch((rank.number, other, rank.rank))));
    0
}

extern "C" fn broadcast(
    from: Address,
    to: Address,
    length: usize,
    _: c_int,
    root: c_int,
    comm: Comm,
    _: *mut c_void,
) -> c_int {
    let rank = of(comm);
    if rank.rank == root as usize {
        (1..rank.size).for_each(|other| post((rank.number, rank.rank, other), at(from, length).to_vec()));
    } else {
        at(to, length).copy_from_slice(&fetch((rank.number, root as usize, rank.rank)));
    }
    0
}

pub const NCCL: Nccl = Nccl {
    version,
    unique_id,
    init,
    destroy,
    abort: destroy,
    state,
    error,
    send,
    recv,
    group_start,
    group_end,
    all_gather,
    broadcast,
};

extern "C" fn start(_: c_uint) -> c_int {
    0
}

extern "C" fn retain(_: *mut *mut c_void, _: c_int) -> c_int {
    0
}

extern "C" fn set_current(_: *mut c_void) -> c_int {
    0
}

/// The size of the length stored before the bytes.
const HEAD: usize = 8;

extern "C" fn alloc(address: *mut Address, length: usize) -> c_int {
    let mut memory = vec![0u8; HEAD + length].into_boxed_slice();
    memory[..HEAD].copy_from_slice(&length.to_le_bytes());
    ALLOCATED.fetch_add(1, Ordering::SeqCst);
    // SAFETY: the caller's address.
    unsafe { *address = Box::into_raw(memory).cast::<u8>() as Address + HEAD as Address };
    0
}

extern "C" fn free(address: Address) -> c_int {
    let begin = address - HEAD as Address;
    let length = usize::from_le_bytes(*at(begin, HEAD).first_chunk().unwrap());
    ALLOCATED.fetch_sub(1, Ordering::SeqCst);
    // SAFETY: `alloc` has created it with the stored length.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(begin as *mut u8, HEAD + length)) });
    0
}

extern "C" fn upload(to: Address, from: *const c_void, length: usize) -> c_int {
    // SAFETY: the caller's bytes.
    at(to, length).copy_from_slice(unsafe { std::slice::from_raw_parts(from.cast(), length) });
    0
}

extern "C" fn download(to: *mut c_void, from: Address, length: usize) -> c_int {
    // SAFETY: the caller's bytes.
    unsafe { std::slice::from_raw_parts_mut(to.cast(), length) }.copy_from_slice(at(from, length));
    0
}

extern "C" fn query(_: *mut c_void) -> c_int {
    match BUSY.get() {
        0 => 0,
        times => {
            BUSY.set(times - 1);
            NOT_READY
        }
    }
}

pub const DRIVER: Driver = Driver { init: start, retain, set_current, alloc, free, upload, download, query };
