//! Configurations as they stand in an experiment file.
#![allow(clippy::unwrap_used)] // a failure here is the test's finding

mod common;

use einthoven_models::{
    ChannelNorm, ConvNextConfig, ConvNextSize, Esi, EsiConfig, LossWeights, Mode, SignalConfig, TextPooling,
    TextSource, XResNetConfig, is_decayed,
};

#[test]
fn the_defaults_are_the_published_sizes() {
    let config: EsiConfig = toml::from_str("").unwrap();
    assert_eq!(config, EsiConfig::default());
    assert_eq!(config.mode, Mode::Corrected);
    assert_eq!((config.leads, config.latents), (12, 768));
    assert_eq!((config.text.hidden_size, config.text.num_hidden_layers), (768, 12));
    let decoder = &config.decoder;
    assert_eq!((decoder.depth, decoder.heads, decoder.dim_head, decoder.ff_mult), (6, 8, 64, 4));
    let SignalConfig::ConvNext(signal) = config.signal else { panic!("not a ConvNeXt") };
    assert_eq!(signal.size.widths(), [128, 256, 512, 1024]);
    assert_eq!(LossWeights::default(), toml::from_str("").unwrap());
}

#[test]
fn a_configuration_survives_being_written_and_read() {
    let sizes = ["atto", "femto", "pico", "nano", "tiny", "base", "large", "huge"];
    for size in sizes {
        let text = format!("mode = \"paper\"\nsignal = {{ kind = \"convnext\", size = \"{size}\" }}");
        let config: EsiConfig = toml::from_str(&text).unwrap();
        assert_eq!(toml::from_str::<EsiConfig>(&toml::to_string(&config).unwrap()).unwrap(), config);
    }
    let text = r#"
        pooling = "cls"
        contrastive_loss = "siglip"
        signal_tokens = 8
        [signal]
        kind = "convnext"
        norm = "time"
        size = { custom = { depths = [1, 2, 3, 1], widths = [8, 16, 24, 32] } }
        [text]
        hidden_size = 384
        [decoder]
        depth = 2
    "#;
    let config: EsiConfig = toml::from_str(text).unwrap();
    let size = ConvNextSize::Custom { depths: [1, 2, 3, 1], widths: [8, 16, 24, 32] };
    let signal = ConvNextConfig { size, norm: Some(ChannelNorm::Time) };
    assert_eq!(config.signal, SignalConfig::ConvNext(signal));
    assert_eq!(config.text_pooling(), TextPooling::Cls);
    assert_eq!(toml::from_str::<EsiConfig>(&toml::to_string(&config).unwrap()).unwrap(), config);
    let text = "[signal]\nkind = \"xresnet\"\nlayers = [1, 1]";
    let config: EsiConfig = toml::from_str(text).unwrap();
    let signal = XResNetConfig { layers: vec![1, 1], ..XResNetConfig::default() };
    assert_eq!(config.signal, SignalConfig::XResNet(signal));
    let source: TextSource = toml::from_str("folder = \"models/minilm\"").unwrap();
    assert_eq!(source, TextSource::Folder("models/minilm".into()));
    let source: TextSource = toml::from_str("hub = { repository = \"michiyasunaga/BioLinkBERT-base\" }").unwrap();
    assert_eq!(source, TextSource::default());
}

#[test]
fn a_misspelt_key_is_named() {
    for text in [
        "laeds = 12",
        "[decoder]\ndeph = 2",
        "[text]\nhidden = 3",
        "[signal]\nkind = \"convnext\"\nsise = \"atto\"",
        "[signal]\nkind = \"xresnet\"\nlayer = [1]",
        "[signal]\nkind = \"convnext\"\nsize = \"giant\"",
        "mode = \"papre\"",
    ] {
        let error = toml::from_str::<EsiConfig>(text).unwrap_err().to_string();
        let word = text.rsplit('\n').next().unwrap();
        let word = word.split([' ', '"']).find(|word| error.contains(word));
        assert!(word.is_some(), "{text}: {error}");
    }
}

#[test]
fn numbers_that_make_no_model_are_refused_by_key() {
    for (text, key) in [
        ("leads = 0", "leads"),
        ("latents = 0", "latents"),
        ("signal_tokens = 0", "signal_tokens"),
        ("[decoder]\ndim_head = 7", "decoder.dim_head"),
        ("[decoder]\nheads = 0", "decoder.heads"),
        ("[text]\nnum_attention_heads = 7", "text.num_attention_heads"),
        ("[text]\npad_token_id = 99999", "text.pad_token_id"),
        ("[text]\nhidden_dropout_prob = 1.0", "text.hidden_dropout_prob"),
        ("mode = \"paper\"\npooling = \"mean\"", "pooling"),
        ("mode = \"paper\"\nsignal = { kind = \"convnext\", norm = \"channels\" }", "signal.norm"),
        ("signal = { kind = \"xresnet\", kernel = 4 }", "signal.kernel"),
        ("signal = { kind = \"xresnet\", expansion = 2 }", "signal.expansion"),
        (
            "signal = { kind = \"convnext\", size = { custom = { depths = [1, 1, 1, 1], widths = [0, 1, 1, 1] } } }",
            "signal.size",
        ),
    ] {
        let config: EsiConfig = toml::from_str(text).unwrap();
        let error = Esi::new(&config, &common::parameters(1).root()).unwrap_err().to_string();
        assert!(error.contains(&format!("`{key}`")), "{text}: {error}");
    }
}

#[test]
fn weight_decay_spares_norms_biases_tables_and_the_logit_scale() {
    for name in [
        "temperature",
        "img_queries",
        "img_encoder.downsample_layers.0.1.weight",
        "img_encoder.downsample_layers.2.0.weight",
        "img_encoder.stages.0.0.norm.weight",
        "img_encoder.stages.0.0.grn.gamma",
        "img_encoder.stages.0.0.grn.beta",
        "img_encoder.stages.0.0.pwconv1.bias",
        "img_encoder.norm.weight",
        "img_encoder.4.0.convs.0.1.weight",
        "img_encoder.0.1.weight",
        "0.1.weight",
        "pretrained_text_encoder.embeddings.LayerNorm.weight",
        "pretrained_text_encoder.embeddings.word_embeddings.weight",
        "pretrained_text_encoder.encoder.layer.0.attention.self.key.bias",
        "multimodal_layers.0.0.fn.norm.gamma",
        "to_logits.0.gamma",
        "text_token_norm.gamma",
    ] {
        assert!(!is_decayed(name), "{name}");
    }
    for name in [
        "img_encoder.downsample_layers.0.0.weight",
        "img_encoder.downsample_layers.2.1.weight",
        "img_encoder.stages.1.0.dwconv.weight",
        "img_encoder.stages.1.0.pwconv1.weight",
        "img_encoder.4.0.convs.0.0.weight",
        "img_encoder.4.0.idpath.0.0.weight",
        "pretrained_text_encoder.encoder.layer.0.attention.self.key.weight",
        "multimodal_layers.0.0.fn.ff_out.1.weight",
        "multimodal_layers.1.1.fn.to_kv.weight",
        "to_logits.1.weight",
        "img_to_latents.to_latents.weight",
        "img_token_head.weight",
    ] {
        assert!(is_decayed(name), "{name}");
    }
}
