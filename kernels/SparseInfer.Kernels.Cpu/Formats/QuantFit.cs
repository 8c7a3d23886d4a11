namespace SparseInfer.Kernels.Cpu;

/// <summary>
/// Steps for which rounding loses least. A step is tried that is a little finer or coarser than the range asks for, values are rounded to it, and for
/// the integers that come out the best step follows by least squares; the trial that leaves the smallest error is taken. ggml's quantizers search in
/// the same neighbourhood.
/// </summary>
internal static class QuantFit
{
    /// <summary>A step and what values are less by: <c>value ~ step * quant - minimum</c>, quants from 0, the minimum not negative.</summary>
    /// <param name="values">The values.</param>
    /// <param name="largest">The largest quant.</param>
    public static (float Step, float Minimum) Affine(ReadOnlySpan<float> values, int largest)
    {
        const int Trials = 20;
        float squares = 0;
        float least = 0;
        float most = float.MinValue;
        foreach (float value in values)
        {
            squares += value * value;
            least = MathF.Min(least, value);
            most = MathF.Max(most, value);
        }

        if (most <= least)
        {
            return (0, -least);
        }

        // Large values weigh more, as in ggml: the level of all, and their own magnitude.
        float level = MathF.Sqrt(squares / values.Length);
        (float Step, float Minimum) best = ((most - least) / largest, -least);
        float bestError = Error(values, level, best, largest);
        for (int trial = 0; trial <= Trials; trial++)
        {
            float inverse = (largest - 1 + (0.1f * trial)) / (most - least);
            (float Step, float Minimum) fitted = Solve(values, level, least, inverse, largest);
            float error = Error(values, level, fitted, largest);
            if (fitted.Step > 0 && error < bestError)
            {
                (best, bestError) = (fitted, error);
            }
        }

        return best;
    }

    /// <summary>A step of either sign: <c>value ~ step * quant</c>, quants from -range to range - 1.</summary>
    /// <param name="values">The values.</param>
    /// <param name="range">The magnitude of the least quant.</param>
    public static float Symmetric(ReadOnlySpan<float> values, int range)
    {
        const int Trials = 9;
        const float Least = 1e-15f;
        float extreme = 0;
        foreach (float value in values)
        {
            extreme = MathF.Abs(value) > MathF.Abs(extreme) ? value : extreme;
        }

        if (MathF.Abs(extreme) < Least)
        {
            return 0;
        }

        float best = 0;
        float bestGain = 0;
        for (int trial = -Trials; trial <= Trials; trial++)
        {
            // Values weigh as their squares do. What a step gains is the square of its projection.
            float inverse = -(range + (0.1f * trial)) / extreme;
            float products = 0;
            float squares = 0;
            foreach (float value in values)
            {
                int quant = Math.Clamp((int)MathF.Round(inverse * value), -range, range - 1);
                float weight = value * value;
                products += weight * value * quant;
                squares += weight * quant * quant;
            }

            if (squares > 0 && products * products > bestGain * squares)
            {
                best = products / squares;
                bestGain = products * best;
            }
        }

        return best;
    }

    /// <summary>The weighted least squares for the integers that values are rounded to.</summary>
    private static (float Step, float Minimum) Solve(ReadOnlySpan<float> values, float level, float least, float inverse, int largest)
    {
        float weights = 0, quants = 0, squares = 0, sum = 0, products = 0;
        foreach (float value in values)
        {
            int quant = Math.Clamp((int)MathF.Round((value - least) * inverse), 0, largest);
            float weight = level + MathF.Abs(value);
            weights += weight;
            quants += weight * quant;
            squares += weight * quant * quant;
            sum += weight * value;
            products += weight * quant * value;
        }

        float determinant = (weights * squares) - (quants * quants);
        if (determinant <= 0)
        {
            return (0, 0);
        }

        float minimum = ((quants * products) - (squares * sum)) / determinant;
        return minimum < 0 ? (products / squares, 0) : (((weights * products) - (quants * sum)) / determinant, minimum);
    }

    private static float Error(ReadOnlySpan<float> values, float level, (float Step, float Minimum) fit, int largest)
    {
        float inverse = fit.Step == 0 ? 0 : 1 / fit.Step;
        float error = 0;
        foreach (float value in values)
        {
            int quant = Math.Clamp((int)MathF.Round((value + fit.Minimum) * inverse), 0, largest);
            float difference = (fit.Step * quant) - fit.Minimum - value;
            error += (level + MathF.Abs(value)) * difference * difference;
        }

        return error;
    }
}
