//! Asking, with several requests under way, and storing what passes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::{Ended, Flow, Plan, Report};
use crate::model::{Answer, Finish, Usage};
use crate::store::{Fault, Origin, Record, Source, StoreWriter};
use crate::{Error, Result, Statement};

/// Unanswered requests in a row after which a server counts as gone.
const GIVE_UP: usize = 8;

/// How far the threads that ask have come.
#[derive(Default)]
struct Course {
    next: AtomicUsize,
    /// Unanswered requests since the last answer.
    in_vain: AtomicUsize,
    halt: AtomicBool,
}

/// What came of a statement.
struct Outcome {
    result: Result<Record>,
    /// Dropped when the record is stored.
    pending: Sender<()>,
}

impl Course {
    /// Takes note of a result: whether to go on depends on it.
    fn note(&self, result: &Result<Record>) {
        let halt = match result {
            Ok(_) => {
                self.in_vain.store(0, Ordering::Relaxed);
                false
            }
            Err(error) if error.concerns_one_request() => self.in_vain.fetch_add(1, Ordering::Relaxed) + 1 >= GIVE_UP,
            Err(_) => true,
        };
        self.halt.fetch_or(halt, Ordering::Relaxed);
    }
}

impl Flow<'_> {
    /// Asks what the plan says, stores each description as soon as it is judged, and shows how far it is.
    ///
    /// What ends the work early, a stop or a server that refuses, comes back with the report; what is under way then
    /// is waited for and stored.
    ///
    /// # Errors
    /// [`Error::Write`] if the store cannot be written.
    pub fn run(&self, plan: &Plan, store: &mut StoreWriter, progress: &mut dyn FnMut(&Report)) -> Result<Ended> {
        let origin = self.origin();
        let mut report = Report::new(origin.clone(), plan);
        let course = Course::default();
        let mut early = None;
        std::thread::scope(|scope| {
            let (sender, receiver) = channel();
            for _ in 0..self.model.in_flight().min(plan.ask.len()) {
                let (sender, origin, course) = (sender.clone(), &origin, &course);
                scope.spawn(move || self.work(plan, origin, course, &sender));
            }
            drop(sender);
            let stored = self.store(&receiver, store, &mut report, &mut early, progress);
            // Whoever still asks learns that nobody listens.
            drop(receiver);
            stored
        })?;
        if report.done() == plan.ask.len() {
            early = None;
        } else {
            early.get_or_insert(Error::Stopped);
        }
        report.traffic = self.model.traffic();
        Ok(Ended { report, early })
    }

    /// One of the threads that ask. It goes on when its last answer is stored, so that a process that is killed has asked
    /// no more in vain than it has threads.
    fn work(&self, plan: &Plan, origin: &Origin, course: &Course, sender: &Sender<Outcome>) {
        while !course.halt.load(Ordering::Relaxed) && !self.stop.load(Ordering::Relaxed) {
            let next = course.next.fetch_add(1, Ordering::Relaxed);
            let Some(statement) = plan.ask.get(next) else { return };
            let result = self.describe(statement, origin);
            course.note(&result);
            let (pending, stored) = channel();
            if sender.send(Outcome { result, pending }).is_err() {
                return;
            }
            if !self.model.is_free() {
                // Ends when the other side is dropped.
                stored.recv().ok();
            }
        }
    }

    /// The thread that writes.
    fn store(
        &self,
        receiver: &Receiver<Outcome>,
        store: &mut StoreWriter,
        report: &mut Report,
        early: &mut Option<Error>,
        progress: &mut dyn FnMut(&Report),
    ) -> Result<()> {
        while let Ok(first) = receiver.recv() {
            // What has come in the meantime is written together.
            let (mut records, mut pending) = (Vec::new(), Vec::new());
            for outcome in std::iter::once(first).chain(receiver.try_iter()) {
                pending.push(outcome.pending);
                match outcome.result {
                    Ok(record) => {
                        report.count(&record);
                        records.push(record);
                    }
                    Err(error) => {
                        report.unanswered += usize::from(error.concerns_one_request());
                        // A reason that holds for all requests says more than that of one.
                        if early.as_ref().is_none_or(Error::concerns_one_request) {
                            *early = Some(error);
                        }
                    }
                }
            }
            store.append(records)?;
            drop(pending);
            report.traffic = self.model.traffic();
            progress(report);
        }
        Ok(())
    }

    /// Asks about one statement until an answer passes, or composes the description.
    fn describe(&self, statement: &Statement, origin: &Origin) -> Result<Record> {
        let passages = (self.evidence)(statement);
        let (mut asked, mut usage, mut faults, mut last) = (0, Usage::default(), Vec::new(), Vec::new());
        let record = |description, source, asked, faults, usage| Record {
            statement: statement.as_str().to_owned(),
            origin: origin.clone(),
            description,
            source,
            asked,
            faults,
            usage,
            cost_usd: self.model.prices().map(|prices| prices.cost(usage)),
        };
        while asked < self.tries {
            let reasons: Vec<String> = last.iter().map(|fault: &Fault| fault.reason.clone()).collect();
            let request = self.prompt.request(statement, &passages, &reasons)?;
            let answer = match self.model.answer(&request) {
                Err(Error::NotUnderstood { .. }) => break,
                answer => answer?,
            };
            asked += 1;
            usage += answer.usage;
            match self.judged(statement, &answer) {
                Ok(description) => return Ok(record(Some(description), Source::Model, asked, faults, usage)),
                Err(found) => {
                    faults.extend(found.iter().cloned());
                    last = found;
                }
            }
        }
        let composed = self.base.describe_parts(statement.as_str());
        let source = if composed.is_some() { Source::Knowledge } else { Source::Nobody };
        Ok(record(composed, source, asked, faults, usage))
    }

    /// The description that an answer holds, or its faults.
    fn judged(&self, statement: &Statement, answer: &Answer) -> std::result::Result<String, Vec<Fault>> {
        let fault = |kind: &str, reason: &str| vec![Fault { kind: kind.to_owned(), reason: reason.to_owned() }];
        match answer.finish {
            Finish::Length => return Err(fault("cut", "The answer was too long and was cut off: write less.")),
            Finish::Filtered => return Err(fault("filtered", "The answer was kept back by a filter.")),
            Finish::Stop => {}
        }
        let description = self.prompt.description(&answer.text);
        let description =
            description.ok_or_else(|| fault("not-json", "The answer is not the JSON object asked for."))?;
        if description.is_empty() {
            return Err(fault("empty", "The answer is empty."));
        }
        let faults = (self.judge)(statement, &description);
        if faults.is_empty() { Ok(description) } else { Err(faults) }
    }
}
