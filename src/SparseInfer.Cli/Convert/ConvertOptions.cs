namespace SparseInfer.Cli.Convert;

/// <summary>What <c>sparseinfer convert</c> is asked for.</summary>
/// <param name="Source">The model file.</param>
/// <param name="Destination">The file to write.</param>
/// <param name="Preparation">How.</param>
internal sealed record ConvertOptions(string Source, string Destination, PreparationOptions Preparation);
