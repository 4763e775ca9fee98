//! NCCL, loaded at run time: communication between GPUs, over NVLink or the network, as chosen by NCCL.
//!
//! The data are in host memory and pass through a buffer on the GPU. Sums are therefore computed in the same place and
//! order as on CPUs.

mod calls;
#[cfg(test)]
mod imitation;
#[cfg(test)]
mod tests;

use super::Communicator;
use super::launcher::Launch;
use anyhow::{Context, Result, bail, ensure};
use calls::{Address, BYTES, Comm, Driver, Id, NOT_READY, Nccl as Calls, STREAM};
use std::ffi::c_int;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// Messages up to this size use the other communicator, if there is one, because its latency is lower.
const SMALL: usize = 1 << 14;
/// The interval between checks whether the GPU has finished.
const PAUSE: Duration = Duration::from_micros(20);

/// The communicator of ranks with one GPU each.
pub struct Nccl {
    calls: Calls,
    driver: Driver,
    rank: usize,
    size: usize,
    /// The communicator, and GPU memory for outgoing and incoming data.
    inner: Mutex<Inner>,
    /// MPI, if it has started the ranks.
    beside: Option<&'static dyn Communicator>,
}

struct Inner {
    comm: Comm,
    context: *mut std::ffi::c_void,
    buffers: [(Address, usize); 2],
}

// SAFETY: NCCL's communicator may be used from any thread, by one at a time, which the mutex ensures.
unsafe impl Send for Inner {}

impl Nccl {
    /// Joins the ranks started by `torchrun`: NCCL finds rank 0 at MASTER_ADDR, one port above torchrun's own.
    ///
    /// # Errors
    /// No NCCL, no GPU, or missing variables of torchrun.
    pub fn join(launch: &Launch) -> Result<Self> {
        let variable = |name: &str| std::env::var(name).with_context(|| format!("torchrun has not set {name}"));
        let port: u16 = variable("MASTER_PORT")?.parse().context("MASTER_PORT is no port")?;
        let place =
            format!("{}:{}", variable("MASTER_ADDR")?, port.checked_add(1).context("MASTER_PORT is the last port")?);
        if std::env::var_os("NCCL_COMM_ID").is_none() {
            // SAFETY: this is called before any other thread has been started.
            unsafe { std::env::set_var("NCCL_COMM_ID", place) };
        }
        let (calls, driver) = (Calls::open()?, Driver::open()?);
        let mut id = Id([0; 128]);
        // SAFETY: the call fills the given 128 bytes.
        calls.check(unsafe { (calls.unique_id)(&mut id) }, "ncclGetUniqueId")?;
        Self::begin(calls, driver, id, (launch.rank, launch.size), None)
    }

    /// Joins the ranks of another communicator, which is used for the setup and for short messages.
    ///
    /// # Errors
    /// No NCCL, or no GPU.
    pub fn over(beside: &'static dyn Communicator) -> Result<Self> {
        let (calls, driver) = (Calls::open()?, Driver::open()?);
        let mut id = Id([0; 128]);
        if beside.leads() {
            // SAFETY: the call fills the given 128 bytes.
            calls.check(unsafe { (calls.unique_id)(&mut id) }, "ncclGetUniqueId")?;
        }
        beside.broadcast(&mut id.0)?;
        Self::begin(calls, driver, id, (beside.rank(), beside.size()), Some(beside))
    }

    fn begin(
        calls: Calls,
        driver: Driver,
        id: Id,
        (rank, size): (usize, usize),
        beside: Option<&'static dyn Communicator>,
    ) -> Result<Self> {
        let (mut comm, mut context) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the pointers live as long as the calls. Each rank sees its own GPU as the first.
        unsafe {
            driver.check((driver.init)(0), "cuInit")?;
            driver.check((driver.retain)(&mut context, 0), "cuDevicePrimaryCtxRetain")?;
            driver.check((driver.set_current)(context), "cuCtxSetCurrent")?;
            calls.check((calls.init)(&mut comm, size as c_int, id, rank as c_int), "ncclCommInitRank")?;
        }
        let inner = Mutex::new(Inner { comm, context, buffers: [(0, 0); 2] });
        Ok(Self { calls, driver, rank, size, inner, beside })
    }

    /// The communicator, with buffers of at least these lengths, for the calling thread.
    fn ready(&self, lengths: [usize; 2]) -> Result<MutexGuard<'_, Inner>> {
        let mut inner = self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // SAFETY: every call waits for its work, so nothing is queued when buffers are freed.
        unsafe {
            self.driver.check((self.driver.set_current)(inner.context), "cuCtxSetCurrent")?;
            for ((address, length), wanted) in inner.buffers.iter_mut().zip(lengths) {
                if *length < wanted {
                    if *length > 0 {
                        self.driver.check((self.driver.free)(*address), "cuMemFree")?;
                    }
                    *length = 0;
                    self.driver.check((self.driver.alloc)(address, wanted), "cuMemAlloc")?;
                    *length = wanted;
                }
            }
        }
        Ok(inner)
    }

    fn upload(&self, to: Address, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        // SAFETY: `ready` has made the buffer at least as long.
        self.driver.check(unsafe { (self.driver.upload)(to, bytes.as_ptr().cast(), bytes.len()) }, "cuMemcpyHtoD")
    }

    fn download(&self, bytes: &mut [u8], from: Address) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (place, length) = (bytes.as_mut_ptr().cast(), bytes.len());
        // SAFETY: as above.
        self.driver.check(unsafe { (self.driver.download)(place, from, length) }, "cuMemcpyDtoH")
    }

    /// Waits until the GPU has finished, or another rank has ended.
    fn wait(&self, inner: &Inner) -> Result<()> {
        loop {
            // SAFETY: the stream is the context's default stream.
            match unsafe { (self.driver.query)(STREAM) } {
                NOT_READY => {}
                code => return self.driver.check(code, "cuStreamQuery"),
            }
            let mut state = 0;
            // SAFETY: the communicator is open.
            self.calls.check(unsafe { (self.calls.state)(inner.comm, &mut state) }, "ncclCommGetAsyncError")?;
            self.calls.check(state, "another rank is gone")?;
            std::thread::sleep(PAUSE);
        }
    }

    /// Sends and receives at once. Either may be empty.
    fn move_both(&self, out: Option<(usize, &[u8])>, into: Option<(usize, &mut [u8])>) -> Result<()> {
        let lengths = [out.as_ref().map_or(0, |(_, it)| it.len()), into.as_ref().map_or(0, |(_, it)| it.len())];
        let inner = self.ready(lengths)?;
        let [(outgoing, _), (incoming, _)] = inner.buffers;
        let calls = &self.calls;
        if let Some((_, bytes)) = &out {
            self.upload(outgoing, bytes)?;
        }
        // SAFETY: both buffers are on the GPU and have the stated lengths; they are kept until the work is done.
        unsafe {
            calls.check((calls.group_start)(), "ncclGroupStart")?;
            if let Some((to, bytes)) = out.as_ref().filter(|(_, bytes)| !bytes.is_empty()) {
                let code = (calls.send)(outgoing, bytes.len(), BYTES, *to as c_int, inner.comm, STREAM);
                calls.check(code, "ncclSend")?;
            }
            if let Some((from, bytes)) = into.as_ref().filter(|(_, bytes)| !bytes.is_empty()) {
                let code = (calls.recv)(incoming, bytes.len(), BYTES, *from as c_int, inner.comm, STREAM);
                calls.check(code, "ncclRecv")?;
            }
            calls.check((calls.group_end)(), "ncclGroupEnd")?;
        }
        self.wait(&inner)?;
        into.map_or(Ok(()), |(_, bytes)| self.download(bytes, incoming))
    }
}

impl Communicator for Nccl {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn engine(&self) -> String {
        let mut number: c_int = 0;
        // SAFETY: the integer lives as long as the call.
        if unsafe { (self.calls.version)(&mut number) } != 0 {
            return "NCCL".to_owned();
        }
        let beside = self.beside.map_or_else(String::new, |beside| format!(" and {}", beside.engine()));
        format!("NCCL {}.{}.{}{beside}", number / 10_000, number / 100 % 100, number % 100)
    }

    fn send(&self, to: usize, bytes: &[u8]) -> Result<()> {
        self.move_both(Some((to, bytes)), None)
    }

    fn receive(&self, from: usize, bytes: &mut [u8]) -> Result<()> {
        self.move_both(None, Some((from, bytes)))
    }

    fn exchange(&self, to: usize, outgoing: &[u8], from: usize, incoming: &mut [u8]) -> Result<()> {
        self.move_both(Some((to, outgoing)), Some((from, incoming)))
    }

    fn gather_equal(&self, mine: &[u8], all: &mut [u8]) -> Result<()> {
        ensure!(all.len() == mine.len() * self.size, "{} bytes for {} of each rank", all.len(), mine.len());
        if let Some(beside) = self.beside.filter(|_| mine.len() <= SMALL) {
            return beside.gather_equal(mine, all);
        }
        if mine.is_empty() {
            return Ok(());
        }
        let inner = self.ready([mine.len(), all.len()])?;
        let [(outgoing, _), (incoming, _)] = inner.buffers;
        self.upload(outgoing, mine)?;
        // SAFETY: as in `move_both`.
        let code = unsafe { (self.calls.all_gather)(outgoing, incoming, mine.len(), BYTES, inner.comm, STREAM) };
        self.calls.check(code, "ncclAllGather")?;
        self.wait(&inner)?;
        self.download(all, incoming)
    }

    fn broadcast(&self, bytes: &mut [u8]) -> Result<()> {
        if let Some(beside) = self.beside.filter(|_| bytes.len() <= SMALL) {
            return beside.broadcast(bytes);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let inner = self.ready([bytes.len(), 0])?;
        let (place, _) = inner.buffers[0];
        self.upload(place, bytes)?;
        // SAFETY: as in `move_both`.
        let code = unsafe { (self.calls.broadcast)(place, place, bytes.len(), BYTES, 0, inner.comm, STREAM) };
        self.calls.check(code, "ncclBroadcast")?;
        self.wait(&inner)?;
        self.download(bytes, place)
    }

    fn abort(&self) {
        if let Some(beside) = self.beside {
            beside.abort();
        }
        // A thread inside a call has the lock; the end of the process ends the communicator too.
        if let Ok(inner) = self.inner.try_lock() {
            // SAFETY: no calls follow.
            unsafe { (self.calls.abort)(inner.comm) };
        }
    }

    fn finish(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // SAFETY: as above, and every call has waited for its work.
        unsafe {
            (self.calls.destroy)(inner.comm);
            for (address, length) in inner.buffers.iter_mut().filter(|(_, length)| *length > 0) {
                (self.driver.free)(*address);
                *length = 0;
            }
        }
        if let Some(beside) = self.beside {
            beside.finish();
        }
    }
}

/// Checks that this machine has NCCL and a driver.
///
/// # Errors
/// A library that cannot be loaded.
pub fn is_there() -> Result<()> {
    Calls::open()?;
    Driver::open().map(drop)
}

/// Makes only one GPU visible to this rank, the one with its number on the machine. Only to be called before any thread
/// has started.
///
/// # Errors
/// Fewer GPUs than ranks on this machine.
pub fn see_own_gpu(launch: &Launch) -> Result<()> {
    const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";
    let Some(number) = launch.local_rank else { return Ok(()) };
    let own = match std::env::var(VISIBLE) {
        Ok(list) => {
            let all: Vec<&str> = list.split(',').map(str::trim).filter(|device| !device.is_empty()).collect();
            match all.get(number) {
                Some(device) => (*device).to_owned(),
                // The launcher has already assigned a GPU to each rank.
                None if all.len() == 1 => return Ok(()),
                None => bail!(
                    "{VISIBLE} lists {} GPUs, and this is rank {number} of this machine, counted from 0",
                    all.len()
                ),
            }
        }
        Err(_) => number.to_string(),
    };
    // SAFETY: no other thread reads the environment yet, by the contract above.
    unsafe { std::env::set_var(VISIBLE, own) };
    Ok(())
}
