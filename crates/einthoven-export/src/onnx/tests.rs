//! Graphs by themselves, and carried out by onnxruntime (`tests/check_onnx.py`).

use std::collections::BTreeSet;

use einthoven_signal::{InputContract, Lead};

use super::*;
use crate::cases::{Built, Case, check, full, python, small};

fn takes_valid(graph: &proto::Graph) -> bool {
    graph.input.iter().any(|input| input.name == "valid")
}

#[test]
fn every_graph_is_whole() {
    for case in small() {
        let built = Built::new(case);
        let name = built.name;
        let model = proto::Model::decode(&*onnx(&built.model()).unwrap()).unwrap();
        assert_eq!((model.ir_version, model.opset_import[0].version), (8, 17), "{name}");
        let contract = model.metadata_props.iter().find(|entry| entry.key == "contract").unwrap();
        assert_eq!(serde_json::from_str::<InputContract>(&contract.value).unwrap(), built.contract, "{name}");
        let graph = model.graph.unwrap();
        let mut known: BTreeSet<&str> = BTreeSet::new();
        let inputs = graph.input.iter().map(|input| input.name.as_str());
        for value in inputs.chain(graph.initializer.iter().map(|tensor| tensor.name.as_str())) {
            assert!(known.insert(value), "{name}: {value} twice");
        }
        let mut used: BTreeSet<&str> = BTreeSet::new();
        for node in &graph.node {
            for input in &node.input {
                assert!(known.contains(input.as_str()), "{name}: {} uses {input} before it is there", node.name);
                used.insert(input);
            }
            for output in &node.output {
                assert!(known.insert(output), "{name}: {output} twice");
            }
        }
        for output in &graph.output {
            assert!(known.contains(output.name.as_str()), "{name}: {}", output.name);
        }
        for tensor in &graph.initializer {
            assert!(used.contains(tensor.name.as_str()), "{name}: {} is not used", tensor.name);
        }
        // Every weight of the signal encoder is in the file, under its name and unchanged.
        for (parameter, tensor) in &built.parameters {
            let is_signal = built.esi.is_none() || parameter.starts_with("img_encoder.");
            let is_dead = parameter.starts_with("img_encoder.head.");
            if is_signal && !is_dead {
                let found = graph.initializer.iter().find(|found| found.name == *parameter);
                let found = found.unwrap_or_else(|| panic!("{name}: {parameter} is missing"));
                let values: Vec<u8> = tensor
                    .flatten_all()
                    .unwrap()
                    .to_vec1::<f32>()
                    .unwrap()
                    .into_iter()
                    .flat_map(f32::to_le_bytes)
                    .collect();
                assert!(found.raw_data == values, "{name}: {parameter}");
            }
        }
        let ignores_padding = ["merl-resnet", "esi-paper", "esi-paper-net1d"].contains(&name);
        assert_eq!(takes_valid(&graph), !ignores_padding, "{name}");
    }
}

#[test]
fn onnxruntime_computes_the_same() {
    compare(small());
}

#[test]
#[ignore = "writes two gigabytes and takes minutes"]
fn onnxruntime_computes_the_same_at_full_size() {
    for case in full() {
        compare(vec![case]);
    }
}

fn compare(cases: Vec<(&'static str, usize, Case)>) {
    let Some(python) = python("onnx, onnxruntime, safetensors, numpy") else { return };
    let folder = tempfile::tempdir().unwrap();
    let count = cases.len();
    for case in cases {
        let built = Built::new(case);
        let bytes = onnx(&built.model()).unwrap();
        let takes_valid = takes_valid(&build(&built.model()).unwrap());
        let path = folder.path().join(built.name);
        std::fs::write(path.with_extension("onnx"), bytes).unwrap();
        safetensors::serialize_to_file(built.expected(takes_valid), None, &path.with_extension("safetensors")).unwrap();
    }
    let text = check(python, "check_onnx.py", folder.path());
    assert!(text.lines().count() >= 2 * count, "{text}");
}

#[test]
fn a_contract_that_does_not_fit_is_refused() {
    let mut built = Built::new(small().remove(6));
    built.contract.samples = 20 * 13;
    let error = onnx(&built.model()).unwrap_err().to_string();
    assert!(error.contains("260 samples, the model takes 240 at most"), "{error}");
    built.contract.leads = vec![Lead::I];
    let error = onnx(&built.model()).unwrap_err().to_string();
    assert!(error.contains("it has 1 leads, the network takes 12"), "{error}");
    let mut built = Built::new(small().remove(0));
    built.contract.samples = 31;
    let error = onnx(&built.model()).unwrap_err().to_string();
    assert!(error.contains("it leaves 1 steps for downsample_layers.3.1.weight, which takes 2 at a time"), "{error}");
    built.contract.samples = 331;
    built.parameters.remove("norm.bias");
    let error = onnx(&built.model()).unwrap_err().to_string();
    assert!(error.contains("the weights have no norm.bias"), "{error}");
}
