//! The batches of one pass, prepared ahead by worker threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::{Batch, Shared};
use crate::{Error, Result};

/// The batches of one pass through a dataset, in order. Ends after the first error.
///
/// Worker `w` of `n` makes every `n`-th batch from the `w`-th on and has a bounded queue of its own; the queues are
/// emptied in turn. So batches come in their order, and no more than the prefetch lie ready, however uneven the workers
/// are. Dropping the iterator stops the workers.
pub struct Batches {
    pass: Arc<Pass>,
    queues: Vec<Receiver<Result<Batch>>>,
    workers: Vec<JoinHandle<()>>,
    /// The queue that holds the next batch.
    turn: usize,
    next: usize,
    end: usize,
    /// An error to hand out first.
    failed: Option<Error>,
}

/// What the workers of a pass share.
pub(super) struct Pass {
    pub shared: Arc<Shared>,
    /// Indices into the dataset.
    pub order: Vec<usize>,
    /// The epoch whose augmentation is applied, if any.
    pub epoch: Option<u64>,
    pub stop: AtomicBool,
}

impl Pass {
    /// Makes a batch; none if the pass was stopped meanwhile.
    fn batch(&self, number: usize) -> Option<Result<Batch>> {
        let size = self.shared.config.batch_size;
        let end = (number + 1).saturating_mul(size).min(self.order.len());
        let mut batch = self.shared.empty_batch();
        for &index in &self.order[number * size..end] {
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
            match self.shared.example(index, self.epoch) {
                Ok(example) => batch.push(example),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(batch))
    }

    fn work(&self, numbers: impl Iterator<Item = usize>, queue: &SyncSender<Result<Batch>>) {
        for number in numbers {
            let Some(batch) = self.batch(number) else {
                return;
            };
            let failed = batch.is_err();
            if queue.send(batch).is_err() || failed {
                return;
            }
        }
    }
}

impl Batches {
    /// The batches `start..end` of `pass`.
    pub(super) fn new(pass: Pass, start: usize, end: usize) -> Self {
        let mut batches = Self {
            pass: Arc::new(pass),
            queues: Vec::new(),
            workers: Vec::new(),
            turn: 0,
            next: start,
            end,
            failed: None,
        };
        if let Err(source) = batches.start_workers() {
            batches.failed = Some(Error::StartWorker { source });
        }
        batches
    }

    /// A pass that fails at once.
    pub(super) fn failed(pass: Pass, error: Error) -> Self {
        Self {
            pass: Arc::new(pass),
            queues: Vec::new(),
            workers: Vec::new(),
            turn: 0,
            next: 0,
            end: 0,
            failed: Some(error),
        }
    }

    fn start_workers(&mut self) -> std::io::Result<()> {
        let config = &self.pass.shared.config;
        let remaining = self.end.saturating_sub(self.next);
        let count = config.workers.min(remaining);
        for worker in 0..count {
            let (sender, queue) = sync_channel(config.prefetch.div_ceil(count));
            let pass = Arc::clone(&self.pass);
            let numbers = (self.next + worker..self.end).step_by(count);
            let name = format!("einthoven-loader-{worker}");
            let handle = std::thread::Builder::new().name(name).spawn(move || pass.work(numbers, &sender))?;
            self.queues.push(queue);
            self.workers.push(handle);
        }
        Ok(())
    }

    fn take(&mut self) -> Option<Result<Batch>> {
        if self.queues.is_empty() {
            return self.pass.batch(self.next);
        }
        let queue = &self.queues[self.turn];
        self.turn = (self.turn + 1) % self.queues.len();
        let lost = Error::WorkerLost { batch: self.next };
        Some(queue.recv().unwrap_or(Err(lost)))
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            self.end = self.next;
            return Some(Err(error));
        }
        if self.next >= self.end {
            return None;
        }
        let batch = self.take();
        self.next += 1;
        if !matches!(batch, Some(Ok(_))) {
            self.end = self.next;
        }
        batch
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.pass.stop.store(true, Ordering::Relaxed);
        // Workers waiting for room in a queue wake up when it is gone.
        self.queues.clear();
        for worker in self.workers.drain(..) {
            // A worker that panicked has said so itself, and its batch was reported as lost.
            let _ = worker.join();
        }
    }
}
