using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Ilgpu;

/// <summary>Which neurons a group of the fused kernel goes through: all of its slice, or those on a list.</summary>
internal abstract class NeuronSource
{
    /// <summary>Whether they stand on a list, in shared memory.</summary>
    public abstract bool HasList { get; }

    /// <summary>Whether they are a slice's neurons, and no slice has fewer.</summary>
    public abstract bool IsWhole { get; }

    /// <summary>Writes how they are chosen.</summary>
    /// <param name="waits">Whether threads have to wait for what they wrote to shared memory before.</param>
    public abstract void EmitChoice(bool waits);

    /// <summary>Writes what a warp counts, before the first neuron.</summary>
    public abstract void EmitCounters();

    /// <summary>Writes which neuron is the <c>n</c>-th.</summary>
    public abstract void EmitNeuron();

    /// <summary>Condition under which it is only judged, and no part of the sum; empty: it always is.</summary>
    public abstract string UnlessJudged { get; }

    /// <summary>Writes that <paramref name="rows"/> more of its rows are read.</summary>
    /// <param name="counter">What counts them.</param>
    public abstract void EmitRead(string rows, string counter);

    /// <summary>Writes what is counted once it is known whether a neuron is inactive, and after the last neuron.</summary>
    public abstract void EmitJudgement();

    public abstract void EmitCounts();

    /// <summary>Writes the neuron that a lane keeps for a list of what is active, where that takes a step of its own.</summary>
    public abstract void EmitOwn();

    /// <summary>That neuron.</summary>
    public abstract string Own { get; }
}

/// <summary>All neurons of a slice.</summary>
internal sealed class AllNeurons(CodeWriter code, IlgpuFeedForwardPlan plan) : NeuronSource
{
    public override bool HasList => false;

    public override bool IsWhole => plan.IsExact;

    public override void EmitChoice(bool waits)
    {
        if (!IsWhole)
        {
            code.Line("int count = first + SliceNeurons < Intermediate ? SliceNeurons : Intermediate - first;");
        }

        if (waits)
        {
            code.Line("Group.Barrier();");
        }

        if (waits || !IsWhole)
        {
            code.Line();
        }
    }

    public override void EmitCounters()
    {
    }

    public override void EmitNeuron() => code.Line("int neuron = first + n;");

    public override string UnlessJudged => "";

    public override void EmitRead(string rows, string counter) => code.Line($"{counter} += {rows};");

    public override void EmitJudgement()
    {
    }

    public override void EmitCounts()
    {
    }

    public override void EmitOwn()
    {
    }

    public override string Own => "first + from + lane";
}

/// <summary>Neurons that a predictor keeps, on a list; with a meter all of them, those that it does not keep as complements.</summary>
internal sealed class PredictedNeurons(CodeWriter code, IlgpuFeedForwardPlan plan, IlgpuKernelEmitter policy) : NeuronSource
{
    public override bool HasList => true;

    public override bool IsWhole => false;

    public override void EmitChoice(bool waits)
    {
        code.Line("int firstOfWarp = first + (warp * WarpNeurons);");
        code.Line("uint kept = 0u;");
        policy.EmitSelect(code, plan);
        code.Line();
        NeuronCode.EmitInside(code, plan.IsExact, plan.WarpNeurons, "WarpNeurons");
        if (!plan.IsExact)
        {
            code.Line("kept &= inside;");
        }

        code.Line();
        code.Line("// What is left becomes a list, in ascending order; a meter lists all, the others as complements.");
        code.Line("uint listed = TMeter.IsOn ? inside : kept;");
        NeuronCode.EmitCompaction(code, "listed", "count", "place", "Warps");
        using (code.Block("if (((listed >> lane) & 1u) != 0u)"))
        {
            code.Line("int number = firstOfWarp + lane;");
            code.Line($"neurons[place + {NeuronCode.Before("listed")}] = TMeter.IsOn && ((kept >> lane) & 1u) == 0u ? ~number : number;");
        }

        // The list's barrier is one for what was written before it as well.
        code.Line();
        code.Line("Group.Barrier();");
        code.Line();
    }

    public override void EmitCounters() => code.Lines("""
        int predicted = 0;
        int both = 0;
        """);

    public override void EmitNeuron() => code.Lines("""
        int entry = neurons[n];
        int isPredicted = TMeter.IsOn && entry < 0 ? 1 : 0;
        int neuron = isPredicted != 0 ? ~entry : entry;
        """);

    public override string UnlessJudged => "isPredicted == 0 && ";

    public override void EmitRead(string rows, string counter) => code.Line(rows == "1" ? $"{counter} += 1 - isPredicted;" : $"{counter} += (1 - isPredicted) * {rows};");

    public override void EmitJudgement() => code.Lines("""
        predicted += isPredicted;
        both += isPredicted * isInactive;
        """);

    public override void EmitCounts() => code.Lines("""
        counts[slot + 1] = counts[slot + 1] + predicted;
        counts[slot + 2] = counts[slot + 2] + both;
        """);

    public override void EmitOwn()
    {
        code.Line("int own = 0;");
        using (code.Block("if (from + lane < to)"))
        {
            code.Line("own = neurons[from + lane];");
        }

        code.Line();
    }

    public override string Own => "own";
}
