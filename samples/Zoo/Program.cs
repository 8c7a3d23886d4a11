using SparseInfer;
using SparseInfer.Files;
using Zoo;

(string Name, ModelShape Shape, Func<string, LanguageModel> Load)[] models =
[
    ("afm-4.5b", Afm.DeclaredShape, path => Afm.Load(path)),
    ("jais-2-8b", Jais2.DeclaredShape, path => Jais2.Load(path)),
    ("opt-6.7b", Opt.DeclaredShape, path => Opt.Load(path)),
    ("qwen3-0.6b", Qwen3.DeclaredShape, path => Qwen3.Load(path)),
    ("sparseqwen2-7b", SparseQwen2.DeclaredShape, path => SparseQwen2.Load(path)),
    ("nemotron-mini-4b", NemotronMini.DeclaredShape, path => NemotronMini.Load(path)),
    ("smallthinker-4b", SmallThinker.DeclaredShape, path => SmallThinker.Load(path)),
];

if (args.Length == 0)
{
    foreach ((string name, ModelShape shape, _) in models)
    {
        Console.WriteLine($"{name,-16} {shape.Layers} layers, hidden {shape.Hidden}, {(shape.Experts > 0 ? $"{shape.ActiveExperts} of {shape.Experts} experts of " : "")}{shape.Intermediate} neurons, {shape.Activation}, {(shape.Gated ? "gated" : "not gated")}");
    }

    return 0;
}

int chosen = Array.FindIndex(models, model => model.Name == args[0]);
if (chosen < 0 || args.Length != 3)
{
    Console.Error.WriteLine($"usage: Zoo [{string.Join('|', models.Select(model => model.Name))} FILE PROMPT]");
    return 2;
}

try
{
    using LanguageModel model = models[chosen].Load(args[1]);

    // A key-value cache for the whole of a declared context may take gigabytes.
    using Session session = model.CreateSession(new SessionOptions { Context = Math.Min(2048, model.Shape.Context) });
    await foreach (string piece in session.GenerateAsync(args[2], new GenerationOptions { MaxTokens = 64 }))
    {
        Console.Write(piece);
    }

    Console.WriteLine();
    return 0;
}
catch (Exception e) when (e is ModelFormatException or IOException or UnauthorizedAccessException or InvalidOperationException
    or ArgumentException or InsufficientMemoryException)
{
    // Whatever differs from the declaration stands on lines of its own: the first of them will do.
    Console.Error.WriteLine(string.Join(' ', e.Message.Split('\n', StringSplitOptions.TrimEntries).Take(2)));
    return 1;
}
