//! A tiny model with random weights, written by candle, against candle's own run of it; and files that lie.

use std::collections::HashMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{Content, Value, write};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_llama::ModelWeights;
use einthoven_random::Streams;
use rand::RngExt;

use super::*;
use crate::{KnowledgeBase, Prompt, PromptConfig, Screen};

const WIDTH: usize = 256;
const HIDDEN: usize = 512;
const HEADS: usize = 4;
const TEMPLATE: &str = "{%- for message in messages %}<s>{{ message['content'].strip() }}</s>{% endfor %}";

/// Tokens: the printable bytes, then the others as byte-level encoding names them, then those that steer, and one of two letters.
fn tokens() -> Vec<String> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let first = (0..=255u8).filter(printable).map(|byte| char::from(byte).to_string());
    let others = (0..256 - first.clone().count() as u32).filter_map(|at| char::from_u32(256 + at)).map(String::from);
    first.chain(others).chain(["<s>", "</s>", "th"].map(str::to_owned)).collect()
}

fn metadata(architecture: &str) -> Vec<(String, Value)> {
    let tokens = tokens();
    let kinds = (0..tokens.len()).map(|at| Value::I32(if at == 256 || at == 257 { 3 } else { 1 })).collect();
    let key = |key: &str| format!("{architecture}.{key}");
    let texts = |texts: Vec<String>| Value::Array(texts.into_iter().map(Value::String).collect());
    vec![
        ("general.architecture".to_owned(), Value::String(architecture.to_owned())),
        (key("block_count"), Value::U32(2)),
        (key("context_length"), Value::U32(8192)),
        (key("embedding_length"), Value::U32(WIDTH as u32)),
        (key("feed_forward_length"), Value::U32(HIDDEN as u32)),
        (key("attention.head_count"), Value::U32(HEADS as u32)),
        (key("attention.head_count_kv"), Value::U32(2)),
        (key("attention.layer_norm_rms_epsilon"), Value::F32(1e-5)),
        (key("rope.dimension_count"), Value::U32((WIDTH / HEADS) as u32)),
        ("tokenizer.ggml.model".to_owned(), Value::String("gpt2".to_owned())),
        ("tokenizer.ggml.pre".to_owned(), Value::String("smollm".to_owned())),
        ("tokenizer.ggml.tokens".to_owned(), texts(tokens)),
        ("tokenizer.ggml.token_type".to_owned(), Value::Array(kinds)),
        ("tokenizer.ggml.merges".to_owned(), texts(vec!["t h".to_owned()])),
        ("tokenizer.ggml.eos_token_id".to_owned(), Value::U32(257)),
        ("tokenizer.chat_template".to_owned(), Value::String(TEMPLATE.to_owned())),
    ]
}

fn random(name: &str, rows: usize, columns: usize, kind: GgmlDType) -> QTensor {
    let mut stream = Streams::new(0).stream(name, &[]);
    let scale = 2.0 / (columns as f32).sqrt();
    let values: Vec<f32> = (0..rows * columns).map(|_| stream.random_range(-scale..scale)).collect();
    QTensor::quantize(&Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap(), kind).unwrap()
}

fn save(path: &Path, metadata: &[(String, Value)], tensors: &[(String, QTensor)]) {
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let mut file = BufWriter::new(fs::File::create(path).unwrap());
    write(&mut file, &metadata, &tensors).unwrap();
    file.flush().unwrap();
}

/// The tensors of a Llama, its matrices of several kinds.
fn llama() -> Vec<(String, QTensor)> {
    let kinds = [GgmlDType::Q4_1, GgmlDType::Q5_0, GgmlDType::Q4K, GgmlDType::Q6K, GgmlDType::Q8_0, GgmlDType::Q4_0];
    let mut tensors = vec![("token_embd.weight".to_owned(), random("token_embd", 259, WIDTH, GgmlDType::Q8_0))];
    let ones = |length: usize| {
        let ones = Tensor::ones(length, candle_core::DType::F32, &Device::Cpu).unwrap();
        QTensor::quantize(&ones, GgmlDType::F32).unwrap()
    };
    tensors.push(("output_norm.weight".to_owned(), ones(WIDTH)));
    for layer in 0..2 {
        let parts = [
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", WIDTH / 2, WIDTH),
            ("attn_v", WIDTH / 2, WIDTH),
            ("attn_output", WIDTH, WIDTH),
            ("ffn_gate", HIDDEN, WIDTH),
            ("ffn_up", HIDDEN, WIDTH),
            ("ffn_down", WIDTH, HIDDEN),
        ];
        for (index, (part, rows, columns)) in parts.into_iter().enumerate() {
            let name = format!("blk.{layer}.{part}.weight");
            let tensor = random(&name, rows, columns, kinds[(index + layer) % kinds.len()]);
            tensors.push((name, tensor));
        }
        for part in ["attn_norm", "ffn_norm"] {
            tensors.push((format!("blk.{layer}.{part}.weight"), ones(WIDTH)));
        }
    }
    tensors
}

fn tiny(folder: &Path) -> PathBuf {
    let path = folder.join("tiny.gguf");
    save(&path, &metadata("llama"), &llama());
    path
}

fn request(max_tokens: u32, temperature: f32) -> Request {
    let base = KnowledgeBase::built_in().unwrap();
    let statement = Screen::new(&base).admit("atrial fibrillation").unwrap();
    let prompt = Prompt::open(&PromptConfig { max_tokens, temperature, ..PromptConfig::default() }).unwrap();
    prompt.request(&statement, &[], &[]).unwrap()
}

#[test]
fn logits_are_those_of_candle() {
    let folder = tempfile::tempdir().unwrap();
    let path = tiny(folder.path());
    let file = File::open(&path).unwrap();
    let network = Network::open(&file, 259).unwrap();
    let prompt: Vec<u32> = (0..40).map(|at| at * 37 % 256).collect();
    let ours = network.read(&mut network.thread(), &prompt, || true).unwrap();

    let mut reader = fs::File::open(&path).unwrap();
    let content = Content::read(&mut reader).unwrap();
    let mut candle = ModelWeights::from_gguf(content, &mut reader, &Device::Cpu).unwrap();
    let theirs = candle.forward(&Tensor::new(&prompt[..], &Device::Cpu).unwrap().unsqueeze(0).unwrap(), 0).unwrap();
    let theirs: Vec<f32> = theirs.flatten_all().unwrap().to_vec1().unwrap();
    let square = |values: &mut dyn Iterator<Item = f32>| values.map(|value| f64::from(value).powi(2)).sum::<f64>();
    let apart = square(&mut ours.iter().zip(&theirs).map(|(a, b)| a - b));
    let size = square(&mut theirs.iter().copied());
    // Both round what they multiply with to 8 bits, candle in groups of 256 where weights are.
    assert!((apart / size).sqrt() < 0.03, "{}", (apart / size).sqrt());
}

#[test]
fn bits_depend_neither_on_threads_nor_on_what_was_read_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::open(&tiny(folder.path())).unwrap();
    let network = Network::open(&file, 259).unwrap();
    let prompt: Vec<u32> = (0..300).map(|at| at * 29 % 256).collect();
    let bits = |logits: Vec<f32>| logits.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    let whole = bits(network.read(&mut network.thread(), &prompt, || true).unwrap());
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let read = || network.read(&mut network.thread(), &prompt, || true).unwrap();
        assert_eq!(bits(pool.install(read)), whole, "{threads} threads");
    }
    let mut thread = network.thread();
    let mut other = prompt[..170].to_vec();
    other.extend([1; 60]);
    network.read(&mut thread, &other, || true).unwrap();
    let held = thread.keep(&prompt);
    assert_eq!(held, 170);
    let mut last = Vec::new();
    for token in &prompt[held..] {
        last = network.read(&mut thread, &[*token], || true).unwrap();
    }
    assert_eq!(bits(last), whole);
    assert_eq!(thread.keep(&prompt), prompt.len() - 1);
}

#[test]
fn answers_stream_repeat_and_keep_to_their_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = tiny(folder.path());
    let model = Gguf::open(&path, 7, Arc::default()).unwrap();
    assert!(model.name().starts_with("gguf:tiny@"), "{}", model.name());
    let ask = |model: &Gguf, temperature: f32| {
        let mut streamed = String::new();
        let answer = model.stream(&request(24, temperature), &mut |piece| streamed.push_str(piece)).unwrap();
        assert_eq!(answer.text, streamed);
        assert!(answer.usage.output <= 24 && answer.usage.input > 100, "{:?}", answer.usage);
        assert!((answer.usage.output == 24) || answer.finish == Finish::Stop);
        answer
    };
    for temperature in [0.0, 1.5] {
        assert_eq!(ask(&model, temperature), ask(&model, temperature));
        assert_eq!(ask(&model, temperature), ask(&Gguf::open(&path, 7, Arc::default()).unwrap(), temperature));
    }
    assert_ne!(ask(&model, 1.5).text, ask(&Gguf::open(&path, 8, Arc::default()).unwrap(), 1.5).text);
    let traffic = model.traffic();
    assert_eq!((traffic.requests, traffic.cost_usd), (7, Some(0.0)));

    model.stop.store(true, Ordering::Relaxed);
    assert!(matches!(model.answer(&request(24, 0.0)), Err(Error::Stopped)));
}

#[test]
fn a_statement_cannot_write_what_steers_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::open(&tiny(folder.path())).unwrap();
    let (vocabulary, chat) = (Vocabulary::open(&file).unwrap(), Chat::open(&file).unwrap());
    let text = chat.write(&vocabulary, "be <s>brief ", "is this </<s>s> the end?").unwrap();
    assert_eq!(text, "<s>be brief</s><s>is this  the end?</s>");
    let steering = vocabulary.encode(&text).unwrap().into_iter().filter(|token| (256..258).contains(token)).count();
    assert_eq!(steering, 4);
}

#[test]
fn files_that_lie_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let whole = tiny(folder.path());
    let bytes = fs::read(&whole).unwrap();
    let path = folder.path().join("lies.gguf");
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = Gguf::open(&path, 0, Arc::default()).err().map(|error| error.to_string());
        assert!(error.as_ref().is_none_or(|error| error.contains("lies.gguf")), "{error:?}");
        error
    };
    for length in (0..bytes.len() - 32).step_by(bytes.len() / 60).chain(0..40) {
        assert!(refused(&bytes[..length]).is_some(), "{length} bytes");
    }
    // Each byte of the header, set to what is likeliest to overflow something, is refused or harmless.
    let header = 600;
    for at in 4..header {
        for value in [0, 0x7f, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            refused(&bytes);
        }
    }
    let mut changed: HashMap<&str, Value> = HashMap::new();
    changed.insert("llama.attention.head_count", Value::U32(3));
    changed.insert("llama.block_count", Value::U32(u32::MAX));
    changed.insert("llama.embedding_length", Value::U32(0));
    changed.insert("llama.context_length", Value::String("long".to_owned()));
    changed.insert("llama.rope.scaling.type", Value::String("yarn".to_owned()));
    changed.insert("general.architecture", Value::String("mamba".to_owned()));
    changed.insert("general.alignment", Value::U32(0));
    changed.insert("tokenizer.ggml.model", Value::String("rwkv".to_owned()));
    changed.insert("tokenizer.ggml.pre", Value::String("martian".to_owned()));
    changed.insert("tokenizer.chat_template", Value::String("{% for %}".to_owned()));
    let tensors = llama();
    for (key, value) in changed {
        let mut metadata = metadata("llama");
        metadata.retain(|(name, _)| name != key);
        metadata.push((key.to_owned(), value));
        save(&path, &metadata, &tensors);
        let error = Gguf::open(&path, 0, Arc::default()).unwrap_err();
        assert!(matches!(error, Error::Gguf { .. }), "{key}: {error}");
    }
    let mut tensors = llama();
    tensors.push(("blk.0.attn_q.bias".to_owned(), random("bias", 1, WIDTH, GgmlDType::F32)));
    save(&path, &metadata("llama"), &tensors);
    let error = Gguf::open(&path, 0, Arc::default()).unwrap_err().to_string();
    assert!(error.contains("attn_q.bias"), "{error}");
}

#[test]
fn a_request_beyond_the_context_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.gguf");
    let mut metadata = metadata("llama");
    let context = metadata.iter_mut().find(|(key, _)| key == "llama.context_length").unwrap();
    context.1 = Value::U32(64);
    save(&path, &metadata, &llama());
    let error = Gguf::open(&path, 0, Arc::default()).unwrap().answer(&request(24, 0.0)).unwrap_err();
    assert!(matches!(error, Error::TooLong { context: 64, .. }) && error.concerns_one_request(), "{error}");
}
