using System.Text;
using SparseInfer.Runtime.Tests.Text;
using SparseInfer.Sampling;
using SparseInfer.Text;

namespace SparseInfer.Runtime.Tests.Sampling.Grammars;

/// <summary>Random schemas, and a model that says anything: what comes out follows the schema, by a check of its own.</summary>
public class GrammarPropertyTests
{
    private const int Schemas = 16;

    [Theory]
    [InlineData("ggml-vocab-phi-3.gguf")]
    [InlineData("ggml-vocab-gpt-2.gguf")]
    public void Whatever_a_model_says_follows_a_random_schema(string vocabulary)
    {
        Tokenizer tokenizer = Tokenizer.Open(TestData.Path("tokenizers", vocabulary));
        var random = new Random(20261130);
        var model = new AnyModel(tokenizer, random);
        int whole = 0;
        for (int i = 0; i < Schemas; i++)
        {
            string schema = RandomSchema.Make(random, depth: 3);
            Grammar grammar = Grammar.FromJsonSchema(schema);
            var options = new GenerationOptions
            {
                Grammar = grammar,
                Seed = (ulong)i,
                Temperature = i % 3 == 0 ? 0 : 1.5,
                TopK = i % 2 == 0 ? 0 : 40,
                MinP = i % 4 == 0 ? 0.02 : 0,
                RepetitionPenalty = i % 5 == 0 ? 1.3 : 1,
            };
            if (model.Write(options, 250) is { } text)
            {
                whole++;
                grammar.Matches(text).ShouldBeTrue(schema);
                SchemaCheck.IsValid(schema, text).ShouldBeTrue($"{schema}\n{text}");
            }
        }

        whole.ShouldBeGreaterThan(Schemas / 2);
    }

    [Theory]
    [InlineData("ggml-vocab-phi-3.gguf")]
    [InlineData("ggml-vocab-gpt-2.gguf")]
    public void The_tokens_that_may_follow_are_those_whose_text_the_grammar_takes(string vocabulary)
    {
        // A mask of the whole vocabulary against each token tried for itself, along a text with characters of several tokens.
        Tokenizer tokenizer = Tokenizer.Open(TestData.Path("tokenizers", vocabulary));
        Grammar grammar = Grammar.Parse("root ::= \"a\" [à-ü😀-😎]{2,4} (\" \" [a-z]+)* \"!\"?");
        var constraint = new TokenConstraint(grammar, tokenizer, new Dictionary<int, string>(), endsText: true);
        float[] logits = new float[tokenizer.VocabularySize];
        foreach (int token in tokenizer.Encode("aé😀 hello", addBeginOfSequence: false, continuesText: true))
        {
            ReadOnlySpan<float> masked = constraint.Mask(logits);
            for (int other = 0; other < masked.Length; other++)
            {
                (masked[other] == 0).ShouldBe(constraint.Allows(other), $"token {other}");
            }

            constraint.Accept(token);
        }

        constraint.Allows(tokenizer.EndOfSequence!.Value).ShouldBeTrue();
        constraint.IsComplete.ShouldBeFalse();
    }

    /// <summary>A model without sense, that likes to close what is open.</summary>
    private sealed class AnyModel(Tokenizer tokenizer, Random random)
    {
        private readonly float[] _logits = new float[tokenizer.VocabularySize];
        private readonly int[] _closing = [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(token => tokenizer.IsEndOfGeneration(token) || Encoding.UTF8.GetString(tokenizer.GetBytes(token)) is "\"" or "]" or "}" or "\"}" or "\"]" or ",")];

        /// <summary>What is written; null: it was not whole after so many tokens.</summary>
        public string? Write(GenerationOptions options, int tokens)
        {
            var sampler = new Sampler(options, tokenizer);
            List<byte> text = [];
            for (int i = 0; i < tokens && !sampler.IsComplete; i++)
            {
                for (int token = 0; token < _logits.Length; token++)
                {
                    _logits[token] = 8 * random.NextSingle();
                }

                foreach (int token in _closing)
                {
                    _logits[token] += random.Next(12);
                }

                int next = sampler.Sample(_logits);
                if (tokenizer.IsEndOfGeneration(next))
                {
                    return Encoding.UTF8.GetString([.. text]);
                }

                text.AddRange(tokenizer.GetBytes(next));
            }

            return sampler.IsComplete ? Encoding.UTF8.GetString([.. text]) : null;
        }
    }
}
