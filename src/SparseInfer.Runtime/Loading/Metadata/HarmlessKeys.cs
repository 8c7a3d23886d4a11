namespace SparseInfer.Loading;

/// <summary>Keys of a <c>config.json</c> that change no logits: how a model was trained, stored, is generated with, or run by others.</summary>
internal static class HarmlessKeys
{
    public static readonly string[] All =
    [
        // Read first of all.
        "model_type", "architectures",

        // Names and versions.
        "_name_or_path", "name_or_path", "_commit_hash", "transformers_version", "tokenizer_class", "torch_dtype", "dtype",
        "finetuning_task", "problem_type", "num_labels", "unsloth_version", "unsloth_fixed", "is_llama_config",

        // Training.
        "initializer_range", "initializer_factor", "gradient_checkpointing", "attention_dropout", "attention_dropout_prob",
        "attention_probs_dropout_prob", "hidden_dropout", "hidden_dropout_prob", "attn_pdrop", "resid_pdrop", "embd_pdrop", "dropout",
        "residual_dropout", "activation_dropout", "init_std", "embedding_dropout", "resid_dropout", "classifier_dropout", "layerdrop", "pretraining_tp",

        // Of training experts, of experts' experts, and of layers without experts: what says whether there are any is read.
        "router_aux_loss_coef", "output_router_logits", "router_jitter_noise", "moe_secondary_expert_size", "dense_ffn_hidden_size",
        "profile_sparsity", "model_name",

        // How Hugging Face's library runs a model.
        "use_cache", "cache_implementation", "return_dict", "output_attentions", "output_hidden_states", "output_scores",
        "return_dict_in_generate", "torchscript", "use_bfloat16", "tf_legacy_loss", "chunk_size_feed_forward", "is_decoder",
        "_attn_implementation", "attn_implementation", "_attn_implementation_autoset", "_attn_implementation_internal",
        "use_flash_attn", "use_flash_attention_2", "_flash_attn_2_enabled", "max_sequence_length", "model_max_length", "seq_length", "max_tokenizer_truncation",

        // Special tokens and generation.
        "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "unk_token_id", "decoder_start_token_id", "prefix",
        "forced_bos_token_id", "forced_eos_token_id", "suppress_tokens", "begin_suppress_tokens", "bad_words_ids",
        "do_sample", "early_stopping", "num_beams", "num_beam_groups", "diversity_penalty", "temperature", "top_k", "top_p", "typical_p",
        "repetition_penalty", "length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "num_return_sequences",
        "max_length", "min_length", "max_new_tokens", "remove_invalid_values", "exponential_decay_length_penalty",

        // Of rotary scaling that is not linear: read by ScalingReader, or refused by its name.
        "original_max_position_embeddings",
        .. Scaling("original_max_position_embeddings"), .. Scaling("low_freq_factor"), .. Scaling("high_freq_factor"),
        .. Scaling("beta_fast"), .. Scaling("beta_slow"), .. Scaling("mscale"), .. Scaling("mscale_all_dim"),
        .. Scaling("attention_factor"), .. Scaling("short_factor"), .. Scaling("long_factor"), .. Scaling("truncate"), .. Scaling("extrapolation_factor"),
        .. Scaling("finetuned"), .. Scaling("short_mscale"), .. Scaling("long_mscale"),
    ];

    private static string[] Scaling(string key) => [$"rope_scaling.{key}", $"rope_parameters.{key}"];
}
