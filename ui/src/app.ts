// Everything a page needs; each file registers itself.
import './elements';
import './forms';
import './keys';
import './live';
