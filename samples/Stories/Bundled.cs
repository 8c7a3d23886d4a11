namespace Stories;

/// <summary>The files that are copied beside the program.</summary>
internal static class Bundled
{
    public static string Model => Locate("stories-relu.gguf");

    public static string EvaluationTokens => Locate("evaluation-tokens.u16");

    private static string Locate(string name) => Path.Combine(AppContext.BaseDirectory, "model", name);
}
