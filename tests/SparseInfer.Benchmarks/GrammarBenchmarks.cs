using System.Globalization;
using System.IO.Compression;
using BenchmarkDotNet.Attributes;
using SparseInfer.Sampling;
using SparseInfer.Text;

namespace SparseInfer.Benchmarks;

/// <summary>What it costs to keep a token to a form, beside choosing one of all: with the vocabularies of Phi-3, of 32,064 tokens, and of Qwen3, of 151,669.</summary>
public class GrammarBenchmarks
{
    private Tokenizer _tokenizer = null!;
    private float[] _logits = null!;
    private Sampler _free = null!;
    private Sampler _allowed = null!;
    private Sampler _refused = null!;
    private int _made;

    /// <summary>Which vocabulary.</summary>
    [Params("phi-3", "qwen3")]
    public string Vocabulary { get; set; } = "";

    private static GenerationOptions Options { get; } = new() { Seed = 1 };

    [GlobalSetup]
    public void Setup()
    {
        _tokenizer = Open(Vocabulary);
        var random = new Random(1);
        _logits = [.. Enumerable.Range(0, _tokenizer.VocabularySize).Select(_ => random.NextSingle())];
        _logits[_tokenizer.Encode("a", addBeginOfSequence: false, continuesText: true)[^1]] = 100;
        _free = new Sampler(Options, _tokenizer);
        _allowed = new Sampler(Options with { Grammar = Grammar.Parse("root ::= [^b]*") }, _tokenizer);
        _refused = new Sampler(Options with { Grammar = Grammar.Parse("root ::= [^a]*") }, _tokenizer);
    }

    /// <summary>Without a grammar.</summary>
    [Benchmark(Baseline = true)]
    public int Free() => _free.Sample(_logits);

    /// <summary>The token that is chosen may follow.</summary>
    [Benchmark]
    public int Allowed() => _allowed.Sample(_logits);

    /// <summary>It may not, at a place where the grammar was before: the logits of those that may not follow are taken out.</summary>
    [Benchmark]
    public int Refused() => _refused.Sample(_logits);

    /// <summary>It may not, in a new grammar, most of whose tokens may follow: it is compiled, and all tokens are tried.</summary>
    [Benchmark]
    public int RefusedFirst() => new Sampler(Options with { Grammar = Grammar.Parse($"root ::= [^a]* # {_made++}") }, _tokenizer).Sample(_logits);

    private static Tokenizer Open(string vocabulary)
    {
        string folder = AppContext.BaseDirectory;
        while (!Directory.Exists(Path.Combine(folder, "tests", "data", "tokenizers")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Run it inside the repository: the vocabularies are in tests/data/tokenizers.");
        }

        folder = Path.Combine(folder, "tests", "data", "tokenizers");
        if (vocabulary == "phi-3")
        {
            return Tokenizer.Open(Path.Combine(folder, "ggml-vocab-phi-3.gguf"));
        }

        string json = Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"qwen3-{Environment.ProcessId}.tokenizer.json"));
        using (var packed = new GZipStream(File.OpenRead(Path.Combine(folder, "qwen3", "tokenizer.json.gz")), CompressionMode.Decompress))
        using (FileStream unpacked = File.Create(json))
        {
            packed.CopyTo(unpacked);
        }

        Tokenizer tokenizer = Tokenizer.Open(json);
        File.Delete(json);
        return tokenizer;
    }
}
