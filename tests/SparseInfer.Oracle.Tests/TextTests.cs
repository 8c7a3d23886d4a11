using System.Text;
using SparseInfer.Cli.Tests.Metadata;
using SparseInfer.Text;

namespace SparseInfer.Oracle.Tests;

/// <summary>From a file alone to text: the class that the tool prints loads the file, reads a prompt and continues it.</summary>
public sealed class TextTests(TextFamilies families) : IClassFixture<TextFamilies>
{
    private const string Prompt = "The lazy dog: 42 Grüße";
    private const int Generated = 8;

    private static readonly string[] Texts =
    [
        Prompt, " two  spaces ", "\tif (x < 10)\r\n\r\n  y++;\n", "L'été, it's 'quoted'; 1234567 ½ ²³", "Привет, мир! مرحبا بالعالم 你好，世界。こんにちは 안녕",
        "👩‍👩‍👧 🚀\u00A0\u3000§", "हिन्दी ไทย \u0301", "{\"a\": [1, 2.5e-3]}\n\n\n", "",
    ];

    public static TheoryData<string> Names => [.. TextFamily.All.Select(family => family.Name)];

    public static TheoryData<string> OfGguf => [.. TextFamily.All.Where(family => family.Name.EndsWith("GGUF", StringComparison.Ordinal)).Select(family => family.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_text_comes_back_from_its_tokens(string name)
    {
        using LanguageModel model = families.Load(Of(name));
        model.LoadReport.Notes.ShouldNotContain(note => note.Contains("okenizer"));
        foreach (string text in Texts)
        {
            int[] tokens = model.Tokenizer.Encode(text, addBeginOfSequence: true);
            model.Tokenizer.Decode(tokens).ShouldBe(text);
            TokenStream stream = model.Tokenizer.CreateStream(startOfText: true);
            (string.Concat(tokens.Select(stream.Append)) + stream.Flush()).ShouldBe(text);
        }
    }

    /// <summary>In double precision; a prompt of ten tokens or so, and no tie between two tokens.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_prompt_is_continued_as_the_definition_has_it(string name)
    {
        TextFamily family = Of(name);
        using LanguageModel model = families.Load(family);
        bool isFolder = name.EndsWith("folder", StringComparison.Ordinal);
        var reference = new TinyReference(family.Tiny, isFolder || family.Tiny.HalfSplit);
        int[] prompt = model.Tokenizer.Encode(Prompt, addBeginOfSequence: true);
        double[] logits = prompt.Select(reference.Next).ToArray()[^1];

        string expected = Continue(model.Tokenizer, logits, token => reference.Next(token));
        expected.ShouldNotBeEmpty();
        (await TextAsync(model)).ShouldBe(expected);
    }

    [Theory]
    [MemberData(nameof(OfGguf))]
    public async Task A_prompt_is_continued_as_llama_cpp_does(string name)
    {
        Assert.SkipWhen(LlamaCpp.WhyNot is not null && Environment.GetEnvironmentVariable("CI") != "true", LlamaCpp.WhyNot ?? "");
        TextFamily family = Of(name);
        using LanguageModel model = families.Load(family);
        using var vocabulary = new LlamaCppVocabulary(families.PathOf(family));
        foreach (string text in Texts)
        {
            model.Tokenizer.Encode(text, addBeginOfSequence: true).ShouldBe(vocabulary.Encode(text), text);
        }

        for (int token = 0; token < model.Tokenizer.VocabularySize; token++)
        {
            model.Tokenizer.GetBytes(token).ToArray().ShouldBe(vocabulary.BytesOf(token), $"token {token}");
        }

        using var llama = new LlamaCpp(families.PathOf(family));
        int size = family.Tiny.VocabularySize;
        float[] logits = llama.Forward(vocabulary.Encode(Prompt))[^size..];
        (await TextAsync(model)).ShouldBe(Continue(model.Tokenizer, Wide(logits), token => Wide(llama.Forward([token]))));
    }

    [Fact]
    public void The_folder_and_the_gguf_file_of_a_model_give_the_same_tokens()
    {
        using LanguageModel folder = families.Load(Of("qwen2 folder"));
        using LanguageModel gguf = families.Load(Of("qwen2 GGUF"));
        foreach (string text in Texts)
        {
            folder.Tokenizer.Encode(text, addBeginOfSequence: true).ShouldBe(gguf.Tokenizer.Encode(text, addBeginOfSequence: true));
        }

        folder.Tokenizer.EndOfSequence.ShouldBe(gguf.Tokenizer.EndOfSequence);
    }

    private static TextFamily Of(string name) => TextFamily.All.Single(family => family.Name == name);

    private static double[] Wide(float[] logits) => Array.ConvertAll(logits, value => (double)value);

    /// <summary>Without the predictor, which is mistaken about random weights.</summary>
    private static async Task<string> TextAsync(LanguageModel model)
    {
        using Session session = model.CreateSession(new SessionOptions { Mode = SparsityMode.Exact });
        var text = new StringBuilder();
        await foreach (string piece in session.GenerateAsync(Prompt, new GenerationOptions { MaxTokens = Generated, Temperature = 0 }, TestContext.Current.CancellationToken))
        {
            text.Append(piece);
        }

        return text.ToString();
    }

    /// <summary>The text of the greedy tokens, as far as its characters are whole.</summary>
    private static string Continue(Tokenizer tokenizer, double[] logits, Func<int, double[]> next)
    {
        TokenStream stream = tokenizer.CreateStream();
        var text = new StringBuilder();
        for (int i = 0; i < Generated; i++)
        {
            int token = Array.IndexOf(logits, logits.Max());
            if (token >= tokenizer.VocabularySize || tokenizer.IsEndOfGeneration(token))
            {
                break;
            }

            text.Append(stream.Append(token));
            logits = next(token);
        }

        return text.ToString();
    }
}
