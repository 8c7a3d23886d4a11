namespace SparseInfer.Benchmarks;

/// <summary>A project that the generator is run in.</summary>
/// <param name="Name">What it is called in tables and filters.</param>
/// <param name="Models">How many of the <see cref="DeclaredModels"/> it has.</param>
/// <param name="Gpu">Whether it references the runtime for GPUs.</param>
internal sealed record GeneratorCase(string Name, int Models, bool Gpu);
