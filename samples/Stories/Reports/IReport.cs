using SparseInfer;

namespace Stories.Reports;

/// <summary>How the program shows what it does.</summary>
internal interface IReport
{
    /// <summary>Shows how far some work is, from 0 to 1, while it lasts.</summary>
    Task<T> WithProgressAsync<T>(string title, Func<Action<double>, Task<T>> work);

    /// <summary>Says what was loaded.</summary>
    void Introduce(LanguageModel model);

    /// <summary>Shows the prompt, to which the story will be added.</summary>
    void BeginStory(string prompt);

    /// <summary>Adds a piece to the story.</summary>
    void Write(string piece);

    /// <summary>Ends the story.</summary>
    /// <param name="generation">How it went; null where it failed.</param>
    void EndStory(GenerationReport? generation);

    /// <summary>Shows the contenders side by side, then layer by layer.</summary>
    void Compare(IReadOnlyList<Measurement> measurements, HeldOutText text);
}
