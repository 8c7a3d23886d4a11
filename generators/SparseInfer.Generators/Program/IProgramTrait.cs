using SparseInfer.Generators.Declare;

namespace SparseInfer.Generators.Program;

/// <summary>A trait as programs have it: a rewrite of what a plain decoder computes. The spec of every trait is one.</summary>
internal interface IProgramTrait
{
    /// <summary>
    /// The program with the trait: operations inserted, left out or in another order. A backend that has no function for what comes of it
    /// refuses the program; it reads nothing of the trait.
    /// </summary>
    /// <param name="program">What earlier traits left.</param>
    /// <param name="spec">The whole declaration.</param>
    ModelProgram Apply(ModelProgram program, ModelSpec spec);
}
