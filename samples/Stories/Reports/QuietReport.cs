using SparseInfer;

namespace Stories.Reports;

/// <summary>The text alone, and the line's end.</summary>
internal sealed class QuietReport : IReport
{
    public Task<T> WithProgressAsync<T>(string title, Func<Action<double>, Task<T>> work) => work(_ => { });

    public void Introduce(LanguageModel model)
    {
    }

    public void BeginStory(string prompt) => Console.Out.Write(prompt);

    public void Write(string piece) => Console.Out.Write(piece);

    public void EndStory(GenerationReport? generation) => Console.Out.WriteLine();

    public void Compare(IReadOnlyList<Measurement> measurements, HeldOutText text)
    {
    }
}
