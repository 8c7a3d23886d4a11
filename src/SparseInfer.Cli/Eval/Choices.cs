using System.Text;
using SparseInfer.Text;

namespace SparseInfer.Cli.Eval;

/// <summary>Share of questions whose right choice was the likeliest.</summary>
/// <param name="Accuracy">By log-likelihood.</param>
/// <param name="AccuracyNorm">By log-likelihood over the choice's length in bytes of UTF-8.</param>
internal readonly record struct ChoiceAccuracy(double Accuracy, double AccuracyNorm);

/// <summary>
/// Multiple-choice questions as tokens. As the Language Model Evaluation Harness has it: a choice follows its prompt after a space, both are
/// tokenized together, and what is scored is all tokens after as many as the prompt alone has.
/// </summary>
internal sealed class Choices
{
    /// <summary>Tokens whose logits are in memory.</summary>
    private const int MaxTogether = 256;

    private readonly Question[] _questions;

    private Choices(Question[] questions) => _questions = questions;

    /// <summary>How many questions there are.</summary>
    public int Count => _questions.Length;

    /// <summary>Tokens of the longest prompt with a choice.</summary>
    public int Longest => _questions.Max(question => question.Choices.Max(choice => choice.Tokens.Length));

    /// <summary>Tokenizes questions.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="questions">What it has.</param>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="context">Tokens that the model holds.</param>
    /// <exception cref="CliException">One is too long; the message names the line.</exception>
    public static Choices Of(string path, IReadOnlyList<ChoiceQuestion> questions, Tokenizer tokenizer, int context)
    {
        var all = new List<Question>();
        foreach (ChoiceQuestion question in questions)
        {
            int prompt = tokenizer.Encode(question.Prompt, addBeginOfSequence: true).Length;
            Choice[] choices = [.. question.Choices.Select(choice => Tokenize(question, choice, prompt))];
            int longest = choices.Max(choice => choice.Tokens.Length);
            if (longest > context || choices.Any(choice => choice.Tokens.Length < 2))
            {
                throw new CliException(longest > context
                    ? $"{path}, line {question.Line}: prompt and choice have {longest} tokens, and the model's context holds {context}."
                    : $"{path}, line {question.Line}: prompt and choice are one token, which nothing predicts: give a longer question.");
            }

            all.Add(new(choices, question.Answer));
        }

        return new([.. all]);

        Choice Tokenize(ChoiceQuestion question, string choice, int prompt)
        {
            int[] tokens = tokenizer.Encode($"{question.Prompt} {choice}", addBeginOfSequence: true);
            return new(tokens, Math.Clamp(prompt, 1, Math.Max(1, tokens.Length - 1)), Encoding.UTF8.GetByteCount(choice));
        }
    }

    /// <summary>Answers all questions. What a question's choices begin with alike is computed once.</summary>
    /// <param name="session">A session that holds the longest; its mode is what is judged.</param>
    /// <param name="vocabulary">Logits a token.</param>
    /// <param name="byPrompts">Whether a question is computed as a prompt is, and what is skipped is skipped in the choices alone.</param>
    /// <param name="advance">Told before each question which it is.</param>
    public ChoiceAccuracy Answer(Session session, int vocabulary, bool byPrompts, Action<int> advance)
    {
        int right = 0;
        int rightNorm = 0;
        float[] logits = [];
        for (int i = 0; i < _questions.Length; i++)
        {
            advance(i);
            Question question = _questions[i];
            int shared = question.Shared;
            session.Rewind(0);
            if (shared > 0)
            {
                Ask(session, question.Choices[0].Tokens.AsSpan(0, shared), byPrompts);
            }

            double[] scores = new double[question.Choices.Length];
            for (int k = 0; k < scores.Length; k++)
            {
                scores[k] = LogLikelihood(session, question.Choices[k], shared, vocabulary, byPrompts, ref logits);
            }

            double[] norms = [.. scores.Zip(question.Choices, (score, choice) => score / choice.Bytes)];
            right += Largest(scores) == question.Answer ? 1 : 0;
            rightNorm += Largest(norms) == question.Answer ? 1 : 0;
        }

        return new((double)right / Count, (double)rightNorm / Count);
    }

    /// <summary>Sum of log p of a choice's tokens, in double precision.</summary>
    private static double LogLikelihood(Session session, Choice choice, int shared, int vocabulary, bool byPrompts, ref float[] logits)
    {
        session.Rewind(shared);
        int first = choice.Start - 1;
        if (first > shared)
        {
            Ask(session, choice.Tokens.AsSpan(shared, first - shared), byPrompts);
        }

        double sum = 0;
        for (int from = first; from < choice.Tokens.Length - 1; from += MaxTogether)
        {
            int count = Math.Min(MaxTogether, choice.Tokens.Length - 1 - from);
            if (logits.Length < count * vocabulary)
            {
                logits = new float[count * vocabulary];
            }

            session.Forward(choice.Tokens.AsSpan(from, count), logits.AsSpan(0, count * vocabulary));
            for (int row = 0; row < count; row++)
            {
                sum += Predictions.LogProbability(logits.AsSpan(row * vocabulary, vocabulary), choice.Tokens[from + row + 1]);
            }
        }

        return sum;
    }

    private static void Ask(Session session, ReadOnlySpan<int> tokens, bool byPrompts)
    {
        if (byPrompts)
        {
            Evaluator.Prompt(session, tokens);
        }
        else
        {
            session.Forward(tokens);
        }
    }

    /// <summary>The first of the largest; -1, which answers nothing, where all are minus infinity or no number: a policy ruled out every choice.</summary>
    internal static int Largest(double[] scores)
    {
        int largest = -1;
        double most = double.NegativeInfinity;
        for (int i = 0; i < scores.Length; i++)
        {
            (largest, most) = scores[i] > most ? (i, scores[i]) : (largest, most);
        }

        return largest;
    }

    /// <param name="Tokens">Prompt and choice.</param>
    /// <param name="Start">The first token that is scored; 1 or more.</param>
    /// <param name="Bytes">The choice's length.</param>
    private sealed record Choice(int[] Tokens, int Start, int Bytes);

    private sealed record Question(Choice[] Choices, int Answer)
    {
        /// <summary>Tokens that all choices begin with, and that are followed by one before the first that is scored.</summary>
        public int Shared
        {
            get
            {
                int shared = Choices.Min(choice => choice.Start) - 1;
                foreach (Choice choice in Choices)
                {
                    shared = Choices[0].Tokens.AsSpan(0, shared).CommonPrefixLength(choice.Tokens);
                }

                return shared;
            }
        }
    }
}
