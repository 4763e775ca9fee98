//! The engine over an imitation of NCCL whose GPUs are threads, and over two real GPUs where there are some.

use super::{Nccl, calls, imitation};
use crate::Communicator;
use std::ffi::c_int;

/// The engine over an emulation of NCCL whose GPUs are threads.
fn run<T: Send>(size: usize, work: impl Fn(&dyn Communicator) -> T + Sync) -> Vec<T> {
    let id = imitation::id(size);
    let one = |rank: usize| {
        let engine = Nccl::begin(imitation::NCCL, imitation::DRIVER, id, (rank, size), None).unwrap();
        let result = work(&engine);
        engine.finish();
        result
    };
    std::thread::scope(|scope| {
        let one = &one;
        let ranks: Vec<_> = (0..size).map(|rank| scope.spawn(move || one(rank))).collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

#[test]
fn bytes_pass_through_the_gpu_of_each_rank() {
    let found = run(3, |ranks| {
        let rank = ranks.rank();
        let (next, before) = ((rank + 1) % 3, (rank + 2) % 3);
        let mut incoming = vec![0; 10 + before];
        ranks.exchange(next, &vec![rank as u8; 10 + rank], before, &mut incoming).unwrap();
        assert_eq!(incoming, vec![before as u8; 10 + before]);
        // Empty in one direction only.
        let mut some = vec![0; if rank == 0 { 0 } else { 4 }];
        let out = vec![7; if next == 0 { 0 } else { 4 }];
        ranks.exchange(next, &out, before, &mut some).unwrap();
        assert!(some.iter().all(|&byte| byte == 7));
        let shared = ranks.broadcast_all(if rank == 0 { vec![9; 50_000] } else { Vec::new() }).unwrap();
        assert_eq!(shared, vec![9; 50_000]);
        ranks.gather(&vec![rank as u8; 3000 * rank]).unwrap()
    });
    for all in found {
        assert_eq!(all, (0..3).map(|rank| vec![rank as u8; 3000 * rank]).collect::<Vec<_>>());
    }
    assert_eq!(imitation::allocated(), 0, "memory of the GPU is given back");
}

#[test]
fn errors_are_said_in_the_words_of_the_library() {
    let error = imitation::NCCL.check(3 as c_int, "ncclSend").unwrap_err().to_string();
    assert_eq!(error, "ncclSend: internal error");
    assert!(calls::Driver::check(&imitation::DRIVER, 2, "cuMemAlloc").unwrap_err().to_string().contains("says 2"));
}

/// Two ranks of a machine with two GPUs.
#[test]
#[ignore = "needs two GPUs and NCCL; run it under torchrun --nproc-per-node 2 or mpirun -np 2, with --ignored"]
fn two_gpus_exchange_bytes() {
    let launch = crate::Launch::read().unwrap().expect("a launcher");
    super::see_own_gpu(&launch).unwrap();
    let ranks = Nccl::join(&launch).unwrap();
    let ranks: &dyn Communicator = &ranks;
    let all = ranks.gather(&vec![ranks.rank() as u8; 100_000]).unwrap();
    assert!(all.iter().enumerate().all(|(rank, bytes)| *bytes == vec![rank as u8; 100_000]));
    ranks.finish();
}
