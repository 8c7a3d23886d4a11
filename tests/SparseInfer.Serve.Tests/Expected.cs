namespace SparseInfer.Serve.Tests;

/// <summary>What a session alone says.</summary>
internal static class Expected
{
    /// <summary>The likeliest continuation of a text, or one by a seed.</summary>
    public static string Text(TestModel model, string prompt, int tokens, SparsityMode mode = SparsityMode.Predicted, GenerationOptions? options = null)
    {
        using Session session = model.Model.CreateSession(new() { Mode = mode });
        return string.Concat(session.GenerateAsync(prompt, (options ?? new() { Temperature = 0 }) with { MaxTokens = tokens }).ToBlockingEnumerable());
    }
}
