//! Strongly connected components, so that a rate matrix becomes block triangular.

use nalgebra::DMatrix;

/// The components of the graph with an arrow `j -> i` where `a[(i, j)] != 0`,
/// every component after all that feed it, members ascending (Tarjan 1972,
/// without recursion).
pub(crate) fn components(a: &DMatrix<f64>) -> Vec<Vec<usize>> {
    let n = a.nrows();
    const UNSEEN: usize = usize::MAX;
    let mut index = vec![UNSEEN; n];
    let mut low = vec![0; n];
    let mut on_stack = vec![false; n];
    let mut stack = Vec::new();
    let mut found = Vec::new();
    let mut next = 0;
    for root in 0..n {
        if index[root] != UNSEEN {
            continue;
        }
        let mut work = vec![(root, 0)];
        while let Some(&(v, from)) = work.last() {
            if from == 0 {
                index[v] = next;
                low[v] = next;
                next += 1;
                stack.push(v);
                on_stack[v] = true;
            }
            let mut child = None;
            for w in from..n {
                if w == v || a[(w, v)] == 0.0 {
                    continue;
                }
                if index[w] == UNSEEN {
                    child = Some(w);
                    break;
                }
                if on_stack[w] {
                    low[v] = low[v].min(index[w]);
                }
            }
            if let Some(w) = child {
                // Come back to `v` after `w`; `w + 1 > 0` also marks `v` as entered.
                if let Some(top) = work.last_mut() {
                    top.1 = w + 1;
                }
                work.push((w, 0));
                continue;
            }
            work.pop();
            if let Some(&(parent, _)) = work.last() {
                low[parent] = low[parent].min(low[v]);
            }
            if low[v] == index[v] {
                let mut members = Vec::new();
                while let Some(w) = stack.pop() {
                    on_stack[w] = false;
                    members.push(w);
                    if w == v {
                        break;
                    }
                }
                members.sort_unstable();
                found.push(members);
            }
        }
    }
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_come_in_the_order_of_flow() {
        // 4 -> {0 <-> 2 -> 3 -> 0} -> 1, and 5 alone
        let mut a = DMatrix::zeros(6, 6);
        for (from, to) in [(4, 0), (0, 2), (2, 0), (2, 3), (3, 0), (3, 1)] {
            a[(to, from)] = 1.0;
        }
        let c = components(&a);
        let at = |m: &[usize]| c.iter().position(|x| x == m).unwrap();
        assert_eq!(c.len(), 4);
        assert!(at(&[4]) < at(&[0, 2, 3]) && at(&[0, 2, 3]) < at(&[1]));
        assert!(c.contains(&vec![5]));
    }

    #[test]
    fn a_long_chain_is_one_component_each_and_a_ring_is_one() {
        let n = 300;
        let mut a = DMatrix::zeros(n, n);
        for i in 1..n {
            a[(i, i - 1)] = 1.0;
        }
        let c = components(&a);
        assert_eq!(c, (0..n).map(|i| vec![i]).collect::<Vec<_>>());
        a[(0, n - 1)] = 1.0;
        assert_eq!(components(&a), vec![(0..n).collect::<Vec<_>>()]);
    }
}
