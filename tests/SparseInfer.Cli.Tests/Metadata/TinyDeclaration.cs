using SparseInfer.Cli.Compilation;
using SparseInfer.Files;
using SparseInfer.Loading;

namespace SparseInfer.Cli.Tests.Metadata;

internal static class TinyDeclaration
{
    /// <summary>What <c>sparseinfer declare</c> writes for a file, with the activation given only where the file does not say it.</summary>
    public static ModelDeclaration Of(TinyModel tiny, string path)
    {
        using ModelFile file = ModelFile.Open(path);
        bool isSaid = ModelFacts.Read(file, new LoadOptions()) is { Activations.Count: > 0 } or { Architecture.Activation: not null };
        return FileDeclaration.Read(file, isSaid ? null : tiny.Activation, null, 1f);
    }
}
