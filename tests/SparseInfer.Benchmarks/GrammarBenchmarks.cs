using System.Globalization;
using System.IO.Compression;
using BenchmarkDotNet.Attributes;
using SparseInfer.Sampling;
using SparseInfer.Text;

namespace SparseInfer.Benchmarks;

/// <summary>What it costs to keep a token to a form, beside choosing one of all: with the vocabularies of Phi-3, of 32,064 tokens, and of Qwen3, of 151,669.</summary>
public class GrammarBenchmarks
{
    private const string Form = "root ::= \"{\\\"\" [^\"\\\\]* \"\\\"}\"";

    private Tokenizer _tokenizer = null!;
    private float[] _logits = null!;
    private Sampler _free = null!;
    private Sampler _constrained = null!;
    private TokenConstraint _inText = null!;
    private TokenConstraint _atBegin = null!;
    private int _made;

    /// <summary>Which vocabulary.</summary>
    [Params("phi-3", "qwen3")]
    public string Vocabulary { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _tokenizer = Open(Vocabulary);
        var random = new Random(1);
        _logits = [.. Enumerable.Range(0, _tokenizer.VocabularySize).Select(_ => random.NextSingle())];
        int letter = _tokenizer.Encode("a", addBeginOfSequence: false, continuesText: true)[^1];
        _logits[letter] = 100;
        var options = new GenerationOptions { Seed = 1, Grammar = Grammar.Parse(Form) };
        _free = new Sampler(options with { Grammar = null }, _tokenizer);
        _constrained = new Sampler(options, _tokenizer);
        while (_constrained.Sample(_logits) != letter)
        {
            // As far as the text, where the favourite may follow.
        }

        _atBegin = new TokenConstraint(options.Grammar, _tokenizer, new Dictionary<int, string>(), endsText: true);
        _inText = InText(options.Grammar);
    }

    /// <summary>Without a grammar.</summary>
    [Benchmark(Baseline = true)]
    public int Free() => _free.Sample(_logits);

    /// <summary>The token that is chosen may follow.</summary>
    [Benchmark]
    public int Allowed() => _constrained.Sample(_logits);

    /// <summary>It may not, at a place where the grammar was before: the others' logits are taken out.</summary>
    [Benchmark]
    public int Masked() => _atBegin.Mask(_logits).Length;

    /// <summary>The same, at a place where nearly all tokens may follow.</summary>
    [Benchmark]
    public int MaskedInText() => _inText.Mask(_logits).Length;

    /// <summary>At such a place for the first time: all tokens are tried.</summary>
    [Benchmark]
    public int Tried() => InText(Grammar.Parse($"{Form} # {_made++}")).Mask(_logits).Length;

    private TokenConstraint InText(Grammar grammar)
    {
        var constraint = new TokenConstraint(grammar, _tokenizer, new Dictionary<int, string>(), endsText: true);
        foreach (int token in _tokenizer.Encode("{\"a", addBeginOfSequence: false, continuesText: true))
        {
            constraint.Accept(token);
        }

        return constraint;
    }

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
